import Foundation
import StrictYAML

/// The URL of a server: a scheme and an address, and nothing else.
struct ServerURL {
    /// The URL as the file has it.
    let text: String
    /// In lower case.
    let scheme: String
    /// Nil for `ldapi`, whose host is the path of a socket.
    let address: ServerAddress?
}

extension YAMLValue {
    /// The URL of a server. No problem shows the text: somebody may have put a password into it.
    func serverURL(schemes: [String]) -> ServerURL? {
        guard let text = text() else { return nil }
        let forms = schemes.map { $0 == "ldapi" ? "ldapi://%2Fpath%2Fof%2Fsocket" : "\($0)://host:port" }
        let expected = "expected \(forms.joined(separator: ", "))"
        guard let match = text.wholeMatch(of: /([A-Za-z][A-Za-z0-9+.\-]*):\/\/([^\/?#\s]*)\/?/) else {
            fail("this is not the URL of a server; \(expected), without path and query")
            return nil
        }
        let scheme = match.1.lowercased()
        guard schemes.contains(scheme) else {
            fail("the scheme \"\(scheme)\" is not known here; \(expected)")
            return nil
        }
        guard !match.2.contains("@") else {
            fail("user and password do not belong into a URL; use the keys of this section for them")
            return nil
        }
        if scheme == "ldapi" { return ServerURL(text: text, scheme: scheme, address: nil) }
        guard let address = ServerAddress(match.2) else {
            fail("the host or the port is not valid; \(expected), a port from 1 to 65535, IPv6 in brackets")
            return nil
        }
        return ServerURL(text: text, scheme: scheme, address: address)
    }

    /// A host and a port to listen at.
    func listeningAddress() -> ServerAddress? {
        let expected = "host:port with a port from 1 to 65535, like \"127.0.0.1:2424\" or \"[::1]:2424\""
        guard let text = text() else { return nil }
        guard let address = ServerAddress(text), address.port != nil else {
            fail("expected \(expected), found \"\(text)\"")
            return nil
        }
        return address
    }
}
