/// What happened in a world, line by line.
public struct Trace {
    private var entries: [(text: String, detail: (() -> String)?)] = []
    /// FNV-1a over all lines: two runs with the same hash are the same run.
    public private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    /// - Parameter detail: for people; what it says follows from the line, and is made only if somebody reads it.
    mutating func append(_ line: String, detail: (() -> String)? = nil) {
        entries.append((line, detail))
        hash = Self.hash(line.utf8, after: hash)
    }

    /// The last so many lines, or all of them.
    public func last(_ count: Int = .max) -> String {
        entries.suffix(count).map { $0.text + ($0.detail.map { ": " + $0() } ?? "") }.joined(separator: "\n")
    }

    static func hash(_ bytes: some Sequence<UInt8>, after start: UInt64 = 0xCBF2_9CE4_8422_2325) -> UInt64 {
        var hash = start
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}
