internal import CGSSAPI
import Glibc

/// Owns credentials of Kerberos (RFC 2743 and 1964) that a client can bind with.
final class KerberosCredential {
    let handle: OpaquePointer

    /// Reads the credential cache, or fetches tickets from the KDC with the keytab. Tickets that were fetched with a
    /// keytab stay in the memory of the process, for the next connections.
    ///
    /// - Parameter subject: what they are for, in the error.
    init(_ identity: LDAPConnectionOptions.KerberosIdentity, subject: String) throws(LDAPError) {
        var store: [(key: String, value: String)] = []
        if let keytab = identity.keytab {
            // Kerberos would only say that there are no tickets.
            guard access(keytab, R_OK) == 0 else {
                throw LDAPError(
                    code: .localError, operation: "bind", subject: subject,
                    diagnosticMessage: "the keytab \(keytab) cannot be read: \(String(cString: strerror(errno)))")
            }
            store = [
                (key: "client_keytab", value: "FILE:\(keytab)"),
                (key: "ccache", value: "MEMORY:interorg \(identity.principal ?? "") \(keytab)"),
            ]
        } else if let cache = identity.credentialCache {
            store = [(key: "ccache", value: "FILE:\(cache)")]
        }
        var minor: UInt32 = 0
        var name: OpaquePointer?
        defer { if name != nil { gss_release_name(&minor, &name) } }
        if let principal = identity.principal {
            name = try Self.name(of: principal, subject: subject)
        }
        handle = try Self.acquire(name, from: store, subject: subject)
    }

    deinit {
        var minor: UInt32 = 0
        var released: OpaquePointer? = handle
        gss_release_cred(&minor, &released)
    }

    private static func name(of principal: String, subject: String) throws(LDAPError) -> OpaquePointer? {
        var minor: UInt32 = 0
        var name: OpaquePointer?
        var text = Array(principal.utf8)
        let major = text.withUnsafeMutableBytes { bytes in
            var buffer = gss_buffer_desc(length: bytes.count, value: bytes.baseAddress)
            return gss_import_name(&minor, &buffer, interorg_krb5_principal_name(), &name)
        }
        guard major == 0 else { throw error(major, minor, subject) }
        return name
    }

    private static func acquire(
        _ name: OpaquePointer?, from store: [(key: String, value: String)], subject: String
    ) throws(LDAPError) -> OpaquePointer {
        guard let mechanism = interorg_krb5_mechanism() else {
            throw LDAPError(code: .localError, operation: "bind", subject: subject)
        }
        var arena = CArena()
        var elements: [gss_key_value_element_desc] = []
        do {
            for (key, value) in store {
                elements.append(.init(key: try arena.cString(key), value: try arena.cString(value)))
            }
        } catch {
            throw LDAPError(
                code: .parameterError, operation: "bind", subject: subject,
                diagnosticMessage: "the name of the keytab or the credential cache has a NUL in it")
        }
        var minor: UInt32 = 0
        var handle: OpaquePointer?
        var mechanisms = gss_OID_set_desc(count: 1, elements: mechanism)
        let major = elements.withUnsafeMutableBufferPointer { buffer in
            var set = gss_key_value_set_desc(count: UInt32(buffer.count), elements: buffer.baseAddress)
            // Without a store the environment counts. The lifetime is as long as possible.
            return withUnsafePointer(to: &set) { pointer in
                gss_acquire_cred_from(
                    &minor, name, .max, &mechanisms, GSS_C_INITIATE, store.isEmpty ? nil : pointer, &handle, nil, nil)
            }
        }
        guard major == 0, let handle else { throw error(major, minor, subject) }
        return handle
    }

    /// `KRB5_KDC_UNREACH`: the only one of Kerberos's errors that another attempt may not meet again.
    private static let kdcUnreachable = Int32(-1_765_328_228)

    private static func error(_ major: UInt32, _ minor: UInt32, _ subject: String) -> LDAPError {
        var texts: [String] = []
        for (code, kind) in [(major, GSS_C_GSS_CODE), (minor, GSS_C_MECH_CODE)] where code != 0 {
            var ignored: UInt32 = 0
            var context: UInt32 = 0
            var text = gss_buffer_desc(length: 0, value: nil)
            gss_display_status(&ignored, code, kind, interorg_krb5_mechanism(), &context, &text)
            texts.append(String(decoding: UnsafeRawBufferPointer(start: text.value, count: text.length), as: UTF8.self))
            gss_release_buffer(&ignored, &text)
        }
        return LDAPError(
            code: Int32(bitPattern: minor) == kdcUnreachable ? .serverDown : .localError, operation: "bind",
            subject: subject, diagnosticMessage: "no Kerberos credentials: \(texts.joined(separator: ": "))")
    }
}
