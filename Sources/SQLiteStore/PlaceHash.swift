import Crypto
import IncrementalSync

/// What an index finds the key of a place by: keys are long and come in no order, and an index of them fills more pages than
/// the records themselves. Whoever finds a record by it compares the key, too.
enum PlaceHash {
    /// The first 64 bits of the key's SHA-256.
    static func of(_ key: String) -> Int64 {
        var key = key
        let digest = key.withUTF8 { SHA256.hash(data: UnsafeRawBufferPointer($0)) }
        return Int64(bigEndian: digest.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) })
    }
}

extension Place {
    var hash: Int64 { PlaceHash.of(key) }
}
