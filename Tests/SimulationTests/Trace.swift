/// What happened in a world, line by line.
struct Trace {
    private(set) var lines: [String] = []
    /// FNV-1a over all lines: two runs with the same hash are the same run.
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func append(_ line: String) {
        lines.append(line)
        hash = Self.hash(line.utf8, after: hash)
    }

    func last(_ count: Int) -> String {
        lines.suffix(count).joined(separator: "\n")
    }

    static func hash(_ bytes: some Sequence<UInt8>, after start: UInt64 = 0xCBF2_9CE4_8422_2325) -> UInt64 {
        var hash = start
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}
