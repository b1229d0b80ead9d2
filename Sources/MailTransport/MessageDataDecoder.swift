/// Takes the message out of what follows DATA: finds its end and removes the doubled dots (RFC 5321, section 4.5.2).
///
/// Only CRLF ends a line. A lone LF is data, so that no message can end in one reader's eyes and go on in another's.
struct MessageDataDecoder {
    /// What has become of the message.
    enum Outcome: Equatable {
        /// Its end has not come yet.
        case unfinished
        case complete
        case tooLarge
        case lineTooLong
        /// So much has come after the limit was passed that no reply will stop it.
        case endless
    }

    private enum Position {
        case lineStart
        /// After a dot at the start of a line.
        case dot
        /// After a dot and CR.
        case dotAndCarriageReturn
        case insideLine
        case afterCarriageReturn
    }

    private static let carriageReturn: UInt8 = 0x0D
    private static let lineFeed: UInt8 = 0x0A
    private static let dot = UInt8(ascii: ".")
    /// An oversized message is read to its end, so that its sender gets to see the reply, but not for ever.
    private static let discardedFactorMax = 16

    private let messageBytesMax: Int
    private let lineBytesMax: Int
    private var position = Position.lineStart
    private var lineBytes = 0
    private var discardedBytes = 0
    private var fault: Outcome?
    private(set) var message: [UInt8] = []

    /// - Parameter expectedBytes: what the sender said the size is; only a hint.
    init(messageBytesMax: Int, lineBytesMax: Int, expectedBytes: Int?) {
        self.messageBytesMax = messageBytesMax
        self.lineBytesMax = lineBytesMax
        message.reserveCapacity(min(expectedBytes ?? 0, messageBytesMax))
    }

    /// Takes `input` up to the end of the message.
    ///
    /// - Returns: how many bytes were taken, and what has become of the message.
    mutating func take(_ input: UnsafeRawBufferPointer) -> (taken: Int, outcome: Outcome) {
        var index = 0
        while index < input.count {
            let byte = input[index]
            switch position {
            case .lineStart where byte == Self.dot:
                position = .dot
                index += 1
            case .dot where byte == Self.carriageReturn:
                position = .dotAndCarriageReturn
                index += 1
            case .dotAndCarriageReturn where byte == Self.lineFeed:
                return (index + 1, fault ?? .complete)
            case .dotAndCarriageReturn:
                // The dot was a doubled one after all, and the CR belongs to the message.
                withUnsafeBytes(of: Self.carriageReturn) { append($0) }
                position = .afterCarriageReturn
            case .afterCarriageReturn where byte == Self.lineFeed:
                append(UnsafeRawBufferPointer(rebasing: input[index...index]))
                lineBytes = 0
                position = .lineStart
                index += 1
            case .lineStart, .dot, .insideLine, .afterCarriageReturn:
                index += takeInsideLine(UnsafeRawBufferPointer(rebasing: input[index...]))
            }
        }
        return (index, discardedBytes / Self.discardedFactorMax > messageBytesMax ? .endless : .unfinished)
    }

    /// Takes bytes up to and including the next CR.
    private mutating func takeInsideLine(_ input: UnsafeRawBufferPointer) -> Int {
        let end = input.firstIndex(of: Self.carriageReturn)
        let count = end.map { $0 + 1 } ?? input.count
        append(UnsafeRawBufferPointer(rebasing: input[..<count]))
        position = end == nil ? .insideLine : .afterCarriageReturn
        return count
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        lineBytes += bytes.count
        if lineBytes > lineBytesMax, fault == nil { fail(.lineTooLong) }
        if bytes.count > messageBytesMax - message.count, fault == nil { fail(.tooLarge) }
        guard fault == nil else {
            discardedBytes += bytes.count
            return
        }
        if message.count + bytes.count > message.capacity {
            // Twice as much, as arrays do it, but never beyond the limit.
            message.reserveCapacity(min(max(message.capacity * 2, message.count + bytes.count), messageBytesMax))
        }
        message.append(contentsOf: bytes)
    }

    private mutating func fail(_ fault: Outcome) {
        self.fault = fault
        message = []
    }
}
