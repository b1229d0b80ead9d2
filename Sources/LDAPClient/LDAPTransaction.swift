internal import SwiftASN1

/// A transaction (RFC 5805): operations that the server carries out together at its end, all or none.
///
/// A connection has one at a time. Whether a server has them is said by its root DSE: ``oid`` in `supportedExtension`.
public struct LDAPTransaction: Sendable {
    /// The request that starts one.
    public static let oid = "1.3.6.1.1.21.1"
    private static let controlOID = "1.3.6.1.1.21.2"
    fileprivate static let endOID = "1.3.6.1.1.21.3"

    /// The server's name for it.
    let identifier: [UInt8]

    /// Makes an operation part of it.
    var control: LDAPControl { LDAPControl(oid: Self.controlOID, isCritical: true, value: identifier) }
}

extension LDAPConnection {
    /// Starts a transaction (RFC 5805, section 3.1).
    public func startTransaction() async throws -> LDAPTransaction {
        LDAPTransaction(identifier: try await extended(oid: LDAPTransaction.oid).responseValue ?? [])
    }

    /// Ends it (RFC 5805, section 3.3). An ``LDAPError`` is that of the operation that was refused; then nothing has been
    /// carried out. When the connection is lost, everything may have been.
    public func end(_ transaction: LDAPTransaction, commit: Bool) async throws {
        var serializer = DER.Serializer()
        try serializer.appendConstructedNode(identifier: .sequence) { fields in
            // TRUE is the default, and DER leaves defaults out.
            if !commit { try fields.serialize(false) }
            try fields.serialize(ASN1OctetString(contentBytes: transaction.identifier[...]))
        }
        _ = try await extended(oid: LDAPTransaction.endOID, value: serializer.serializedBytes)
    }
}
