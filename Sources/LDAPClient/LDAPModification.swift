/// One step of a modify operation (RFC 4511, section 4.6).
public struct LDAPModification: Sendable, Hashable {
    /// What happens to the attribute.
    public enum Operation: Int32, Sendable, Hashable {
        /// Adds the values; refused (20) where one is there already.
        case add = 0
        /// Removes the values, or without values the attribute; refused (16) where one is not there.
        case delete = 1
        /// Makes the values the only ones; without values removes the attribute if it is there.
        case replace = 2
    }

    /// What happens to the attribute.
    public var operation: Operation
    /// The attribute description.
    public var attribute: String
    /// The values to add, delete or replace with.
    public var values: [[UInt8]]

    /// A modification with binary values.
    public init(_ operation: Operation, _ attribute: String, _ values: [[UInt8]] = []) {
        self.operation = operation
        self.attribute = attribute
        self.values = values
    }

    /// A modification with text values, sent as UTF-8.
    public init(_ operation: Operation, _ attribute: String, _ texts: String...) {
        self.operation = operation
        self.attribute = attribute
        self.values = texts.map { Array($0.utf8) }
    }
}
