/// A media type with its parameters, as a `Content-Type` field has it (RFC 2045, section 5.1).
struct MediaType {
    /// Type and subtype in lower case, such as `multipart/mixed`.
    let name: String
    private let parameters: [(name: String, value: String)]

    var isMultipart: Bool { name.hasPrefix("multipart/") }

    /// Nil if `text` does not begin with a type and a subtype.
    init?(_ text: String) {
        let segments = Self.segments(of: text)
        guard let first = segments.first else { return nil }
        let name = first.lowercased()
        let halves = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard halves.count == 2, halves.allSatisfy({ !$0.isEmpty && $0.allSatisfy(Self.isTokenByte) }) else {
            return nil
        }
        self.name = name
        self.parameters = segments.dropFirst().compactMap { segment in
            guard let equals = segment.firstIndex(of: "=") else { return nil }
            let name = segment[..<equals].trimmingSpaces().lowercased()
            return (name, Self.unquoted(String(segment[segment.index(after: equals)...].trimmingSpaces())))
        }
    }

    /// The value of the parameter `name`, without quotes; nil if there is none.
    func parameter(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }

    /// The text between the semicolons that are not quoted, without comments.
    private static func segments(of text: String) -> [String] {
        var segments: [String] = []
        var segment = ""
        var isQuoted = false
        var isEscaped = false
        var commentDepth = 0
        for character in text {
            if isEscaped {
                isEscaped = false
            } else if character == "\\", isQuoted || commentDepth > 0 {
                isEscaped = true
            } else if character == "\"", commentDepth == 0 {
                isQuoted.toggle()
            } else if character == "(", !isQuoted {
                commentDepth += 1
            } else if character == ")", commentDepth > 0 {
                commentDepth -= 1
                continue
            } else if character == ";", !isQuoted, commentDepth == 0 {
                segments.append(segment.trimmingSpaces())
                segment = ""
                continue
            }
            if commentDepth == 0 { segment.append(character) }
        }
        return segments + [segment.trimmingSpaces()]
    }

    private static func unquoted(_ text: String) -> String {
        guard text.count >= 2, text.first == "\"", text.last == "\"" else { return text }
        var value = ""
        var isEscaped = false
        for character in text.dropFirst().dropLast() {
            if character == "\\", !isEscaped {
                isEscaped = true
            } else {
                value.append(character)
                isEscaped = false
            }
        }
        return value
    }

    /// A `token` of RFC 2045 without the characters that have a meaning of their own.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && !"()<>@,;:\\\"/[]?=".utf8.contains(byte)
    }
}

extension StringProtocol {
    /// The text without spaces and tabs at its ends.
    func trimmingSpaces() -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return ""
        }
        return String(self[first...last])
    }
}
