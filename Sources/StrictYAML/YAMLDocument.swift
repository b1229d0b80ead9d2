import Yams

/// The nodes of a YAML text, with the keys that it repeats.
struct YAMLDocument {
    /// The text's only document; nil if it has none, or the text is not YAML: that has been reported then.
    let root: Node?
    /// Keys that were given again further down in their mapping: their names in `root`, and what they are called in
    /// the text.
    let repeatedKeys: [String: String]

    /// Greatest number of repeated keys that are reported one by one.
    private static let repeatedKeysMax = 100

    /// Parses a text.
    ///
    /// Yams stops at a repeated key, and the rest of the file would go unchecked. So the first of two equal keys is
    /// renamed in place, to as many private-use characters that keep all columns as they are, and parsing starts over.
    static func parse(_ text: String, problems: YAMLProblems) -> YAMLDocument {
        var lines = linesWithEnds(of: text)
        var repeatedKeys: [String: String] = [:]
        while true {
            let current = lines.map { String(String.UnicodeScalarView($0)) }.joined()
            do {
                let root = try Yams.compose(yaml: current, .basic, .default, .utf8)
                return YAMLDocument(root: root, repeatedKeys: repeatedKeys)
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                let number = repeatedKeys.count
                guard let key = keys.first, number < repeatedKeysMax,
                    let substitute = rename(key, at: context.mark, in: &lines, number: number)
                else {
                    problems.add("a key is given again further down in the same mapping; keep one", at: context.mark)
                    break
                }
                repeatedKeys[substitute] = key
            } catch {
                report(error, to: problems)
                break
            }
        }
        return YAMLDocument(root: nil, repeatedKeys: [:])
    }

    /// Replaces a key by private-use characters; nil if the text there is not the key itself but, say, a quoted form.
    private static func rename(
        _ key: String, at mark: Mark, in lines: inout [[Unicode.Scalar]], number: Int
    ) -> String? {
        let row = mark.line - 1
        let length = key.unicodeScalars.count
        guard length > 0, lines.indices.contains(row), let stand = Unicode.Scalar(0xE000 + UInt32(number)) else {
            return nil
        }
        let range = (mark.column - 1)..<(mark.column - 1 + length)
        guard lines[row].indices.contains(range.upperBound - 1), lines[row][range].elementsEqual(key.unicodeScalars)
        else { return nil }
        let substitute = [Unicode.Scalar](repeating: stand, count: length)
        lines[row].replaceSubrange(range, with: substitute)
        return String(String.UnicodeScalarView(substitute))
    }

    /// Splits a text where libyaml counts a new line (YAML 1.1, section 4.2).
    private static func linesWithEnds(of text: String) -> [[Unicode.Scalar]] {
        var lines: [[Unicode.Scalar]] = [[]]
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            let endsLine = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains(previous)
            if endsLine, !(previous == "\r" && scalar == "\n") {
                lines.append([])
            }
            lines[lines.count - 1].append(scalar)
            previous = scalar
        }
        return lines
    }

    /// Reports what the parser says, without the line of text that its own description shows: a secret may be in it.
    private static func report(_ error: any Error, to problems: YAMLProblems) {
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            let whole = [context?.text, problem].compactMap(\.self).joined(separator: ", ")
            problems.add("this is not YAML: \(whole)", at: mark)
        case .composer(_, let problem, let mark, _):
            problems.add("this is not one YAML document: \(problem)", at: mark)
        case .reader(let problem, _, _, _):
            problems.add("this is not YAML: \(problem)")
        default:
            problems.add("this is not YAML")
        }
    }
}
