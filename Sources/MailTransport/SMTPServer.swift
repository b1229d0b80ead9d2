import Foundation

/// The server that mail is submitted to, and how its connection is protected.
struct SMTPServer: Sendable, Equatable {
    /// How the connection is protected.
    enum Protection: Sendable {
        /// TLS from the first byte (`smtps`, RFC 8314).
        case implicitTLS
        /// STARTTLS before anything else (RFC 3207); without it nothing is sent.
        case requiredStartTLS
        /// STARTTLS if it is offered, with any certificate.
        case opportunisticStartTLS
        /// None: the connection never leaves the machine.
        case none
    }

    /// As it is shown: scheme, host and port, nothing secret.
    let url: String
    let protection: Protection
    /// Whether the certificate must be that of the host.
    let verifiesCertificate: Bool

    /// Takes `smtp://host:port` or `smtps://host:port`. Without a port it is 587 (RFC 6409) or 465 (RFC 8314).
    init(url text: String, insecure: Bool, requiresStartTLS: Bool = false) throws(SMTPSubmissionError) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            let host = parts.host, Self.isHost(host)
        else {
            throw Self.invalid(text, "it must look like smtp://host:port or smtps://host:port")
        }
        // Not shown in the error: what stands there is a secret.
        guard parts.user == nil, parts.password == nil else {
            throw Self.invalid("\(scheme)://…@\(host)", "user and password do not belong into it, give them apart")
        }
        guard ["", "/"].contains(parts.path), parts.query == nil, parts.fragment == nil else {
            throw Self.invalid(text, "nothing may follow the port")
        }
        let port = parts.port ?? (scheme == "smtps" ? 465 : 587)
        guard (1...65535).contains(port) else { throw Self.invalid(text, "the port must be from 1 to 65535") }
        switch scheme {
        case "smtps": protection = .implicitTLS
        case "smtp" where requiresStartTLS: protection = .requiredStartTLS
        case "smtp" where Self.isLoopback(host): protection = .none
        case "smtp": protection = insecure ? .opportunisticStartTLS : .requiredStartTLS
        default: throw Self.invalid(text, "it must begin with smtp: or smtps:")
        }
        let isBareIPv6 = host.contains(":") && !host.hasPrefix("[")
        url = "\(scheme)://\(isBareIPv6 ? "[\(host)]" : host):\(port)"
        verifiesCertificate = !insecure
    }

    private static func isHost(_ host: String) -> Bool {
        !host.isEmpty
            && host.utf8.allSatisfy { $0.isASCIILetterOrDigit || ".-_:[]".utf8.contains($0) }
    }

    private static func isLoopback(_ host: String) -> Bool {
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        let isLoopback4 = octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
        return isLoopback4 || ["localhost", "::1", "[::1]"].contains(host.lowercased())
    }

    private static func invalid(_ url: String, _ why: String) -> SMTPSubmissionError {
        SMTPSubmissionError(
            kind: .permanent, operation: "reading the address of the SMTP server \"\(url.forPeople)\"", detail: why
        )
    }
}
