import CCurl
import Foundation
import Synchronization

/// What libcurl's callbacks read and write during one transfer. Only the thread of the transfer touches it.
final class CurlExchange {
    private let message: [UInt8]
    private let cancellation: CancellationFlag
    private var sentBytes = 0
    private var replyLines: [String] = []
    private var isReplyComplete = true
    private var replyCode = 0
    /// What the server has said about SIZE in this transfer (RFC 1870), in bytes, 0 for no limit; nil if nothing.
    private(set) var announcedBytesMax: Int?

    private static let goodbye = 221
    private static let done = 250

    /// The last reply of the server, or the refusal before its goodbye; nil if there was none.
    var lastReply: SMTPSubmissionError.Reply? {
        guard replyCode > 0 else { return nil }
        return SMTPSubmissionError.Reply(code: replyCode, text: replyLines.joined(separator: " ").forPeople)
    }

    var isCancelled: Bool { cancellation.isSet.load(ordering: .relaxed) }

    init(message: [UInt8], cancellation: CancellationFlag) {
        self.message = message
        self.cancellation = cancellation
    }

    /// Copies the next bytes of the message to `target`; 0 at its end.
    func read(into target: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(target.count, message.count - sentBytes)
        message.withUnsafeBytes {
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[sentBytes...].prefix(count)))
        }
        sentBytes += count
        return count
    }

    /// Takes one line of a reply: `250-text` with more to follow, or `250 text` (RFC 5321, section 4.2.1).
    func received(line: UnsafeRawBufferPointer) {
        let linesMax = 20
        let text = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .newlines)
        guard text.utf8.count >= 3, let code = Int(text.prefix(3)) else { return }
        // After a refusal libcurl says QUIT: the goodbye is not what matters.
        if code == Self.goodbye, replyCode >= 400 { return }
        if isReplyComplete { replyLines = [] }
        replyCode = code
        let words = text.dropFirst(4).split(separator: " ")
        if code == Self.done, words.first?.uppercased() == "SIZE" {
            announcedBytesMax = words.dropFirst().first.flatMap { Int($0) } ?? 0
        }
        if replyLines.count < linesMax { replyLines.append(text.dropFirst(4).trimmingSpaces()) }
        isReplyComplete = text.dropFirst(3).first != "-"
    }
}

/// Sets options of a libcurl handle and remembers the first that was refused.
final class CurlOptions {
    private let handle: UnsafeMutableRawPointer
    private(set) var firstFailure: CURLcode?

    init(handle: UnsafeMutableRawPointer) {
        self.handle = handle
    }

    func set(_ option: CURLoption, _ value: Int) {
        note(interorg_curl_set_long(handle, option, value))
    }

    func set(_ option: CURLoption, size: Int) {
        note(interorg_curl_set_size(handle, option, curl_off_t(size)))
    }

    /// libcurl copies the text. A text with a NUL would be cut there, and is refused.
    func set(_ option: CURLoption, _ value: String) {
        guard !value.utf8.contains(0) else { return note(CURLE_BAD_FUNCTION_ARGUMENT) }
        note(interorg_curl_set_string(handle, option, value))
    }

    func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) {
        note(interorg_curl_set_pointer(handle, option, pointer))
    }

    func set(_ option: CURLoption, list: UnsafeMutablePointer<curl_slist>) {
        note(interorg_curl_set_list(handle, option, list))
    }

    /// Has libcurl call `exchange`, which must live as long as the handle.
    func install(_ exchange: CurlExchange) {
        let context = Unmanaged.passUnretained(exchange).toOpaque()
        note(
            interorg_curl_set_data_callback(handle, CURLOPT_READFUNCTION) { buffer, size, count, context in
                guard let buffer, let context else { return Int(CURL_READFUNC_ABORT) }
                let exchange = Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
                return exchange.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
            }
        )
        set(CURLOPT_READDATA, pointer: context)
        note(
            interorg_curl_set_data_callback(handle, CURLOPT_HEADERFUNCTION) { buffer, size, count, context in
                guard let buffer, let context else { return 0 }
                let exchange = Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
                exchange.received(line: UnsafeRawBufferPointer(start: buffer, count: size * count))
                return size * count
            }
        )
        set(CURLOPT_HEADERDATA, pointer: context)
        note(
            interorg_curl_set_progress_callback(handle) { context, _, _, _, _ in
                guard let context else { return 1 }
                return Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue().isCancelled ? 1 : 0
            }
        )
        set(CURLOPT_XFERINFODATA, pointer: context)
        set(CURLOPT_NOPROGRESS, 0)
    }

    func setHeaderCallback(_ callback: @escaping interorg_curl_data_callback) {
        note(interorg_curl_set_data_callback(handle, CURLOPT_HEADERFUNCTION, callback))
    }

    func setProgressCallback(_ callback: @escaping curl_xferinfo_callback) {
        note(interorg_curl_set_progress_callback(handle, callback))
    }

    private func note(_ status: CURLcode) {
        if status != CURLE_OK, firstFailure == nil { firstFailure = status }
    }
}
