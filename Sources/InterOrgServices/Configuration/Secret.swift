/// A text that must not be seen: it shows itself as `(secret)` in descriptions, interpolations and dumps.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself, to be handed to the server it is meant for and to nothing else.
    public let revealed: String

    /// Wraps a text.
    public init(_ text: String) {
        revealed = text
    }

    /// Always `(secret)`.
    public var description: String { "(secret)" }

    /// Always `(secret)`.
    public var debugDescription: String { "(secret)" }

    /// A mirror without children, so that `dump` and the reflection of an enclosing value find nothing.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
