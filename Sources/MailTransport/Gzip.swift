import CZlib

/// Compression in the gzip format (RFC 1952), whose checksum and length show damage and truncation.
enum Gzip {
    /// zlib's largest window, plus 16: gzip headers and trailers instead of zlib's own.
    private static let gzipWindowBits: Int32 = 15 + 16
    private static let chunkBytes = 256 * 1024
    /// Measured on change lines: half as fast again as zlib's default of 6, for a twelfth more bytes.
    private static let level: Int32 = 4

    /// The most bytes that `compress` makes of `bytes` bytes.
    static func compressedBytesMax(bytes: Int) -> Int {
        // zlib's bound for its default settings (deflateBound), with room for the gzip header and trailer.
        bytes + (bytes >> 12) + (bytes >> 14) + (bytes >> 25) + 64
    }

    /// Compresses `input`. The same input always gives the same output: no time and no file name are written.
    static func compress(_ input: [UInt8]) throws(EnvelopeError) -> [UInt8] {
        guard input.count <= UInt32.max else {
            throw EnvelopeError(.tooLarge, "a payload of \(input.count) bytes is too large to compress; split it")
        }
        var stream = z_stream()
        let streamBytes = Int32(MemoryLayout<z_stream>.size)
        let memoryLevel: Int32 = 8
        let started = deflateInit2_(
            &stream, level, Z_DEFLATED, gzipWindowBits, memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            streamBytes
        )
        guard started == Z_OK else { throw unavailable("compress", status: started) }
        defer { deflateEnd(&stream) }

        var status = Z_OK
        let output = pump(&stream, input: input, bytesMax: .max) { stream in
            status = deflate(&stream, Z_FINISH)
            return status
        }
        guard status == Z_STREAM_END, let output else { throw unavailable("compress", status: status) }
        return output
    }

    /// Expands `input`, holding never more than `bytesMax` bytes of output.
    static func expand(_ input: [UInt8], bytesMax: Int) throws(EnvelopeError) -> [UInt8] {
        var stream = z_stream()
        let started = inflateInit2_(&stream, gzipWindowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard started == Z_OK else { throw unavailable("expand", status: started) }
        defer { inflateEnd(&stream) }

        var status = Z_OK
        let output = pump(&stream, input: input, bytesMax: bytesMax) { stream in
            status = inflate(&stream, Z_NO_FLUSH)
            return status
        }
        guard let output else {
            throw EnvelopeError(
                .tooLarge,
                "its payload expands to more than the limit of \(bytesMax) bytes; raise the limit if the sender is "
                    + "to be believed"
            )
        }
        switch status {
        // Systems that encode a mail anew take its last line break for a part of the data.
        case Z_STREAM_END where input.suffix(Int(stream.avail_in)).allSatisfy({ $0 == 0x0D || $0 == 0x0A }):
            return output
        case Z_STREAM_END:
            throw EnvelopeError(.damaged, "\(stream.avail_in) bytes follow the end of its compressed data")
        case Z_BUF_ERROR, Z_OK:
            throw EnvelopeError(.truncated, "its compressed data is cut off after \(input.count) bytes")
        case Z_MEM_ERROR:
            throw unavailable("expand", status: status)
        default:
            throw EnvelopeError(.damaged, "its compressed data is damaged (\(reason(of: stream, status: status)))")
        }
    }

    /// Runs `step` until the stream ends, fails or needs input that is not there. Nil if the output would grow beyond
    /// `bytesMax`.
    private static func pump(
        _ stream: inout z_stream,
        input: [UInt8],
        bytesMax: Int,
        step: (inout z_stream) -> Int32
    ) -> [UInt8]? {
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: chunkBytes)
        return input.withUnsafeBufferPointer { source -> [UInt8]? in
            // zlib's interface is not const-correct: it only reads from next_in.
            stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
            stream.avail_in = UInt32(clamping: source.count)
            while true {
                let (status, produced) = chunk.withUnsafeMutableBufferPointer { target -> (Int32, Int) in
                    stream.next_out = target.baseAddress
                    stream.avail_out = UInt32(target.count)
                    let status = step(&stream)
                    return (status, target.count - Int(stream.avail_out))
                }
                guard produced <= bytesMax - output.count else { return nil }
                output.append(contentsOf: chunk[..<produced])
                // Z_OK with room left in the chunk means that all input is used up.
                if status != Z_OK || stream.avail_out > 0 { return output }
            }
        }
    }

    private static func reason(of stream: z_stream, status: Int32) -> String {
        stream.msg.map { String(cString: $0) } ?? "zlib status \(status)"
    }

    private static func unavailable(_ what: String, status: Int32) -> EnvelopeError {
        EnvelopeError(.unavailable, "zlib cannot \(what) the payload (status \(status)); is memory short?")
    }
}
