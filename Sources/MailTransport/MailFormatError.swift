/// A mail, or a value meant for one, that does not have the form it must have.
public struct MailFormatError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: Sendable, Equatable {
        /// A value cannot stand in a mail: it has forbidden characters or is too long.
        case invalidValue
        /// The mail breaks the rules of its format.
        case malformed
        /// The mail ends before it should.
        case truncated
        /// The mail uses an encoding that is not known here.
        case unsupported
    }

    /// What kind of failure it is.
    public let code: Code
    /// A sentence for people: what is wrong, and where.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

extension String {
    /// The text as one line that is safe to show and to send: control characters become spaces, and a long text is cut.
    var forPeople: String {
        let textScalarsMax = 500
        let cleaned = unicodeScalars.prefix(textScalarsMax).map { scalar in
            scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? Unicode.Scalar(UInt8(ascii: " ")) : scalar
        }
        var text = String(String.UnicodeScalarView(cleaned))
        if unicodeScalars.count > textScalarsMax { text += "…" }
        return text
    }
}
