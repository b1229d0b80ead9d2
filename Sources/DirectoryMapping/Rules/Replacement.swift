import Foundation

/// A regular expression (the ICU flavour, which `NSRegularExpression` has) and what every match of it becomes.
struct Replacement: Sendable {
    private enum Piece: Sendable {
        case text(String)
        case group(Int)
    }

    private let expression: NSRegularExpression
    private let pieces: [Piece]

    /// A longer value, in bytes, is not searched.
    static let valueBytesMax = 4_096
    /// ICU reports its progress every 10,000 steps. A value that takes more reports than this is not changed: some
    /// patterns would take years for some values.
    private static let progressReportsMax = 100

    /// Why it cannot be made, as a sentence.
    enum Failure: Error {
        case pattern(String)
        case replacement(String)
    }

    init(pattern: String, with text: String) throws(Failure) {
        do {
            expression = try NSRegularExpression(pattern: pattern)
        } catch {
            throw .pattern("this is not a regular expression (of the ICU flavour)")
        }
        pieces = try Self.pieces(of: text, groups: expression.numberOfCaptureGroups)
    }

    /// `$1` to `$9` are groups, `$0` is the whole match, `$$` a dollar sign.
    private static func pieces(of text: String, groups: Int) throws(Failure) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text[...]
        while let character = rest.popFirst() {
            guard character == "$" else {
                pieces.append(.text(String(character)))
                continue
            }
            switch rest.popFirst() {
            case "$": pieces.append(.text("$"))
            case let digit?:
                guard digit.isASCII, let group = digit.wholeNumberValue else { fallthrough }
                guard group <= groups else {
                    throw .replacement("the pattern has \(groups) groups in parentheses, so there is no $\(group)")
                }
                pieces.append(.group(group))
            default: throw .replacement("after a \"$\" there must be a digit; write \"$$\" for a dollar sign")
            }
        }
        return pieces
    }

    /// The text with every match replaced.
    func apply(_ text: String) -> String {
        guard text.utf8.count <= Self.valueBytesMax else { return text }
        var matches: [NSTextCheckingResult] = []
        var reports = 0
        expression.enumerateMatches(
            in: text, options: .reportProgress, range: NSRange(text.startIndex..., in: text)
        ) { match, _, stop in
            if let match { return matches.append(match) }
            reports += 1
            if reports > Self.progressReportsMax { stop.pointee = true }
        }
        guard !matches.isEmpty, reports <= Self.progressReportsMax else { return text }
        var result = ""
        var end = text.startIndex
        for match in matches {
            guard let range = Range(match.range, in: text) else { continue }
            result += text[end..<range.lowerBound]
            for piece in pieces {
                switch piece {
                case .text(let literal): result += literal
                case .group(let number): result += Range(match.range(at: number), in: text).map { text[$0] } ?? ""
                }
            }
            end = range.upperBound
        }
        return result + text[end...]
    }
}
