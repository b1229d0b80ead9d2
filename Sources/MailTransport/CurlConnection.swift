import CCurl
import Glibc

/// A libcurl handle with the connection that it keeps.
///
/// `@unchecked Sendable`: a session hands it from one thread to the next and never to two at a time, because a session is
/// not `Sendable` and waits for each submission.
final class CurlConnection: @unchecked Sendable {
    private var handle: UnsafeMutableRawPointer?
    /// libcurl calls back until the connection is gone.
    private var exchange: CurlExchange?
    /// The SIZE that the server has announced (RFC 1870), in bytes; nil if it has not, or has none.
    private(set) var serverBytesMax: Int?

    /// libcurl wants to be initialized once, before any other use.
    static let initialized: CURLcode = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    deinit { close() }

    /// Lets the body make a transfer with `exchange`; nil if libcurl cannot be used.
    func withHandle<Value>(_ exchange: CurlExchange, _ body: (UnsafeMutableRawPointer) -> Value) -> Value? {
        guard Self.initialized == CURLE_OK else { return nil }
        if handle == nil { handle = curl_easy_init() }
        guard let handle else { return nil }
        let value = body(handle)
        if let size = exchange.announcedBytesMax { serverBytesMax = size == 0 ? nil : size }
        self.exchange = exchange
        return value
    }

    /// Ends the connection at once: a server that is busy may take minutes to answer a goodbye.
    func close() {
        guard let handle else { return }
        var socket = CURL_SOCKET_BAD
        if interorg_curl_get_socket(handle, &socket) == CURLE_OK, socket != CURL_SOCKET_BAD {
            shutdown(socket, Int32(SHUT_RDWR))
        }
        withExtendedLifetime(exchange) { curl_easy_cleanup(handle) }
        self.handle = nil
        exchange = nil
        serverBytesMax = nil
    }
}
