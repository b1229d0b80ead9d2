import Foundation

/// A host and perhaps a port, as URLs (RFC 3986, section 3.2) and listening addresses have them.
struct ServerAddress: Equatable {
    /// A host name or an IP address, IPv6 without brackets.
    let host: String
    /// 1 to 65535.
    let port: Int?

    /// Parses `host`, `host:port`, `[ipv6]` or `[ipv6]:port`; nil if the text is none of these.
    init?(_ text: some StringProtocol) {
        let text = String(text)
        if let match = text.wholeMatch(of: /\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?/) {
            host = String(match.1)
            port = match.2.flatMap { Int($0) }
            guard Self.isIPv6(host) else { return nil }
        } else if let match = text.wholeMatch(of: /([A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_])?)(?::([0-9]{1,5}))?/) {
            host = String(match.1)
            port = match.2.flatMap { Int($0) }
        } else {
            return nil
        }
        if let port, !(1...65_535).contains(port) { return nil }
    }

    /// Whether the host is surely this machine: `localhost`, 127.0.0.0/8 or `::1`. Other names are not looked up.
    var isLoopback: Bool {
        if host.lowercased() == "localhost" { return true }
        var address4 = in_addr()
        if inet_pton(AF_INET, host, &address4) == 1 {
            return UInt32(bigEndian: address4.s_addr) >> 24 == 127
        }
        var address6 = in6_addr()
        guard inet_pton(AF_INET6, host, &address6) == 1 else { return false }
        return withUnsafeBytes(of: &address6) { bytes in
            bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
        }
    }

    private static func isIPv6(_ host: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, host, &address) == 1
    }
}
