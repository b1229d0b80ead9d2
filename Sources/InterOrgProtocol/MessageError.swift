/// Why a payload is no message of ours.
public enum MessageError: Error, Hashable, Sendable, CustomStringConvertible {
    case truncated(String)
    case damaged(String)
    case unknownVersion(Int)

    public var description: String {
        switch self {
        case .truncated(let what): "the message is truncated: \(what)"
        case .damaged(let what): "the message is damaged: \(what)"
        case .unknownVersion(let version):
            "the message has format version \(version); this version reads \(ExchangeHeader.version)"
        }
    }
}
