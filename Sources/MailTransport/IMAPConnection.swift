import CCurl
import Dispatch
import Foundation
import Synchronization

/// A connection to an IMAP server that has logged in. libcurl connects, protects the connection and logs in; the
/// commands are said here, because libcurl does not give back all that their answers have.
///
/// It blocks, on a queue of its own. `@unchecked Sendable`: the handle, the reader and everything else that changes is
/// touched on that queue alone; `cancelled` is atomic.
final class IMAPConnection: @unchecked Sendable {
    private let server: IMAPServer
    private let queue = DispatchQueue(label: "imap")
    private let cancellation = CancellationFlag()
    private let greeting = ServerLines()
    private var handle: UnsafeMutableRawPointer?
    private var reader: IMAPResponseReader
    private var commandCount = 0

    /// The capabilities that the server has after the login, in upper case.
    private(set) var capabilities: Set<String> = []

    private init(_ server: IMAPServer, literalBytesMax: Int) {
        self.server = server
        reader = IMAPResponseReader(literalBytesMax: literalBytesMax)
    }

    /// Connects and logs in, runs the body, and logs out.
    ///
    /// - Parameter literalBytesMax: the largest mail that will be fetched.
    /// - Throws: `MailboxError`, `CancellationError`, or what the body throws.
    static func with<Result: Sendable>(
        _ server: IMAPServer, literalBytesMax: Int, _ body: (IMAPConnection) async throws -> Result
    ) async throws -> Result {
        let connection = IMAPConnection(server, literalBytesMax: literalBytesMax)
        do {
            try await connection.onQueue { try connection.open() }
            let result = try await body(connection)
            try? await connection.onQueue { _ = try connection.perform("LOGOUT", what: "saying goodbye") }
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Says a command and waits for its answer.
    ///
    /// - Parameters:
    ///   - what: what is being done, for errors.
    ///   - onResponse: takes each untagged response; on another thread.
    /// - Returns: what the server said with `OK`.
    /// - Throws: `IMAPRefusal` for `NO` and `BAD`, else `MailboxError` or `CancellationError`.
    @discardableResult
    func command(
        _ command: String, what: String, onResponse: @escaping @Sendable (IMAPResponse) -> Void = { _ in }
    ) async throws -> String {
        try await onQueue { try self.perform(command, what: what, onResponse) }
    }

    private func onQueue<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try Task.checkCancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.async { continuation.resume(with: Swift.Result { try withoutPipeSignal(body) }) }
            }
        } onCancel: {
            cancellation.isSet.store(true, ordering: .relaxed)
        }
    }

    private func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            queue.async { [self] in
                withoutPipeSignal {
                    if let handle { curl_easy_cleanup(handle) }
                    handle = nil
                }
                continuation.resume()
            }
        }
    }

    // MARK: - On the queue

    private func open() throws {
        guard CurlConnection.initialized == CURLE_OK, let handle = curl_easy_init() else {
            throw MailboxError("libcurl cannot be initialized; is memory short?")
        }
        self.handle = handle
        var errorText = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE) + 1)
        let options = CurlOptions(handle: handle)
        let (status, said) = errorText.withUnsafeMutableBufferPointer { errorText in
            options.set(CURLOPT_ERRORBUFFER, pointer: errorText.baseAddress)
            configure(options)
            let status = options.firstFailure ?? curl_easy_perform(handle)
            options.set(CURLOPT_ERRORBUFFER, pointer: nil)
            return (status, errorText.baseAddress.map { String(cString: $0) } ?? "")
        }
        if cancellation.isSet.load(ordering: .relaxed) { throw CancellationError() }
        guard status == CURLE_OK else {
            throw connectError(status, said.isEmpty ? String(cString: curl_easy_strerror(status)) : said)
        }
        let noted = CapabilityNote()
        _ = try perform("CAPABILITY", what: "asking what the server can do") { noted.note($0) }
        capabilities = noted.capabilities
    }

    private func configure(_ options: CurlOptions) {
        options.set(CURLOPT_PROTOCOLS_STR, "imap,imaps")
        options.set(CURLOPT_URL, server.url)
        options.set(CURLOPT_PROXY, "")
        options.set(CURLOPT_NOSIGNAL, 1)
        options.set(CURLOPT_CONNECT_ONLY, 1)
        options.set(CURLOPT_CONNECTTIMEOUT, server.connectSeconds)
        options.set(CURLOPT_TIMEOUT, server.connectSeconds * 2)
        options.set(CURLOPT_USERNAME, server.credentials.user)
        options.set(CURLOPT_PASSWORD, server.credentials.password)
        let protection = server.protection == .none ? CURLUSESSL_NONE : CURLUSESSL_ALL
        options.set(CURLOPT_USE_SSL, Int(protection.rawValue))
        if let file = server.certificateAuthorityFile { options.set(CURLOPT_CAINFO, file) }
        options.collect(greeting)
        options.interrupt(cancellation)
    }

    private func connectError(_ status: CURLcode, _ detail: String) -> MailboxError {
        var text = "connecting to \(server.url) as \(server.credentials.user.forPeople) failed: \(detail.forPeople)"
        if let line = greeting.lastRefusal { text += "; the server said: \(line.forPeople)" }
        switch status {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT:
            text += "; check the name and the port, and that the server runs"
        case CURLE_LOGIN_DENIED:
            text += "; check the user and the password"
        case CURLE_USE_SSL_FAILED:
            text += "; the server does not offer STARTTLS: use imaps://"
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
            text += "; check the server's certificate and the certificate authorities that are trusted (caFile)"
        default: break
        }
        let permanent = [
            CURLE_LOGIN_DENIED, CURLE_USE_SSL_FAILED, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_ISSUER_ERROR,
        ]
        return MailboxError(text, isTransient: !permanent.contains(status))
    }

    private func perform(
        _ command: String, what: String, _ onResponse: (IMAPResponse) -> Void = { _ in }
    ) throws -> String {
        commandCount += 1
        let tag = "S\(commandCount)"
        try send(Array("\(tag) \(command)\r\n".utf8), what)
        while true {
            let response = try receive(what)
            guard let answer = response.text(after: tag) else {
                onResponse(response)
                continue
            }
            if answer.uppercased().hasPrefix("OK") { return answer }
            throw IMAPRefusal(operation: "\(what) at \(server.url)", answer: answer.forPeople)
        }
    }

    private func send(_ bytes: [UInt8], _ what: String) throws {
        let deadline = ContinuousClock.now + .seconds(server.answerSeconds)
        var sent = 0
        while sent < bytes.count {
            var count = 0
            let status = bytes.withUnsafeBytes {
                curl_easy_send(handle, $0.baseAddress! + sent, bytes.count - sent, &count)
            }
            switch status {
            case CURLE_OK: sent += count
            case CURLE_AGAIN: try wait(Int16(POLLOUT), until: deadline, what)
            default: throw lost(status, what)
            }
        }
    }

    private func receive(_ what: String) throws -> IMAPResponse {
        let deadline = ContinuousClock.now + .seconds(server.answerSeconds)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            do {
                if let response = try reader.next() { return response }
            } catch {
                throw MailboxError("\(what) at \(server.url) failed: \(error)")
            }
            var count = 0
            let status = buffer.withUnsafeMutableBytes { curl_easy_recv(handle, $0.baseAddress, $0.count, &count) }
            switch status {
            case CURLE_OK where count > 0: reader.receive(buffer[..<count])
            case CURLE_OK: throw MailboxError("\(what) at \(server.url) failed: the server has closed the connection")
            case CURLE_AGAIN: try wait(Int16(POLLIN), until: deadline, what)
            default: throw lost(status, what)
            }
        }
    }

    /// Waits for the socket, and looks whether anybody still wants it a few times a second.
    private func wait(_ events: Int16, until deadline: ContinuousClock.Instant, _ what: String) throws {
        var socket: curl_socket_t = -1
        guard interorg_curl_get_socket(handle, &socket) == CURLE_OK, socket >= 0 else {
            throw lost(CURLE_RECV_ERROR, what)
        }
        var descriptor = pollfd(fd: socket, events: events, revents: 0)
        while poll(&descriptor, 1, 100) == 0 {
            if cancellation.isSet.load(ordering: .relaxed) { throw CancellationError() }
            guard ContinuousClock.now < deadline else {
                throw MailboxError(
                    "\(what) at \(server.url) failed: no answer within \(server.answerSeconds) seconds")
            }
        }
    }

    private func lost(_ status: CURLcode, _ what: String) -> MailboxError {
        MailboxError("\(what) at \(server.url) failed: \(String(cString: curl_easy_strerror(status)))")
    }
}

/// What a server did not want to do: `NO` or `BAD`.
struct IMAPRefusal: Error, CustomStringConvertible {
    var operation: String
    /// What the server said, with the code in brackets if there is one (RFC 9051, section 7.1).
    var answer: String

    var description: String { "\(operation) failed; the server said: \(answer)" }
}

/// The lines that a server sends while libcurl speaks with it. Only the thread of the transfer touches it.
final class ServerLines {
    private(set) var lastRefusal: String?

    func received(_ line: String) {
        let words = line.split(separator: " ", maxSplits: 2)
        if words.count > 1, ["NO", "BAD", "BYE"].contains(words[1].uppercased()) {
            lastRefusal = words.dropFirst().joined(separator: " ").trimmingSpaces()
        }
    }
}

/// Takes a list of capabilities. Only the queue of one connection touches it.
private final class CapabilityNote {
    var capabilities: Set<String> = []

    func note(_ response: IMAPResponse) {
        guard let text = response.text(after: "*")?.uppercased(), text.hasPrefix("CAPABILITY ") else { return }
        capabilities = Set(text.split(separator: " ").dropFirst().map(String.init))
    }
}

/// Runs the body on a thread that a connection which the server has closed does not end with SIGPIPE: TLS writes without
/// MSG_NOSIGNAL.
private func withoutPipeSignal<Result>(_ body: () throws -> Result) rethrows -> Result {
    var signals = sigset_t()
    var before = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &signals, &before)
    defer {
        if sigismember(&before, SIGPIPE) == 0 {
            // One that has come meanwhile would be delivered as soon as it is allowed again.
            var none = timespec()
            sigtimedwait(&signals, nil, &none)
            pthread_sigmask(SIG_SETMASK, &before, nil)
        }
    }
    return try body()
}

extension CurlOptions {
    /// Has libcurl call `lines`, which must live as long as the handle.
    fileprivate func collect(_ lines: ServerLines) {
        setHeaderCallback { buffer, size, count, context in
            guard let buffer, let context else { return 0 }
            let line = String(
                decoding: UnsafeRawBufferPointer(start: buffer, count: size * count).prefix(2_000), as: UTF8.self)
            Unmanaged<ServerLines>.fromOpaque(context).takeUnretainedValue().received(line)
            return size * count
        }
        set(CURLOPT_HEADERDATA, pointer: Unmanaged.passUnretained(lines).toOpaque())
    }

    /// Has libcurl stop when the flag is set, which must live as long as the handle.
    fileprivate func interrupt(_ flag: CancellationFlag) {
        setProgressCallback { context, _, _, _, _ in
            guard let context else { return 1 }
            let flag = Unmanaged<CancellationFlag>.fromOpaque(context).takeUnretainedValue()
            return flag.isSet.load(ordering: .relaxed) ? 1 : 0
        }
        set(CURLOPT_XFERINFODATA, pointer: Unmanaged.passUnretained(flag).toOpaque())
        set(CURLOPT_NOPROGRESS, 0)
    }
}
