import COpenSSL

/// What OpenSSL reads from or writes to: bytes in memory. It is used by one call at a time and lives inside it.
struct MemoryBIO: ~Copyable {
    let pointer: OpaquePointer

    /// An empty one to write to.
    init() throws(EnvelopeError) {
        guard let bio = BIO_new(BIO_s_mem()) else { throw .noMemory }
        pointer = bio
    }

    private init(reading bytes: UnsafeRawBufferPointer) throws(EnvelopeError) {
        guard let count = Int32(exactly: bytes.count) else {
            throw EnvelopeError(.tooLarge, "\(bytes.count) bytes are more than can be signed or encrypted at once")
        }
        // Without a base address there is nothing to read; OpenSSL takes no null pointer.
        guard let bio = count == 0 ? BIO_new(BIO_s_mem()) : BIO_new_mem_buf(bytes.baseAddress, count) else {
            throw .noMemory
        }
        pointer = bio
    }

    deinit {
        BIO_free(pointer)
    }

    /// Runs `body` with a BIO that reads `bytes`, which are not copied.
    static func withReading<Result>(
        _ bytes: ArraySlice<UInt8>, _ body: (borrowing MemoryBIO) throws -> Result
    ) throws -> Result {
        try bytes.withUnsafeBytes { try body(MemoryBIO(reading: $0)) }
    }

    /// What has been written.
    var bytes: [UInt8] {
        var start: UnsafeMutablePointer<CChar>?
        let count = interorg_bio_bytes(pointer, &start)
        guard let start, count > 0 else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }
}

extension EnvelopeError {
    static var noMemory: EnvelopeError {
        EnvelopeError(.unavailable, "there is no memory left for signing and encrypting")
    }
}
