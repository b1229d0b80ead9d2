internal import SwiftASN1

/// The control for paged results (RFC 2696): the server ends a search after each page, and the client asks again.
public struct PagedResults: Sendable, Hashable {
    /// The control's OID, of requests and results.
    public static let oid = "1.2.840.113556.1.4.319"

    /// In a request, how many entries a page has; in a result, the server's guess at the total, 0 if it has none.
    public var size: Int
    /// Empty in the first request; then that of the last result. Empty in the result of the last page.
    public var cookie: [UInt8]

    /// A request for a page.
    public init(size: Int, cookie: [UInt8] = []) {
        self.size = size
        self.cookie = cookie
    }

    /// Reads the control of a search's result; nil when it has none. Throws an ``LDAPError`` (`decodingError`) for a
    /// bad one.
    public init?(_ result: LDAPResult) throws {
        guard let value = result.controls.value(oid: Self.oid) else { return nil }
        self = try decoding("the control for paged results") {
            var fields = try BERFields.sequence(value)
            let size = try Int(derEncoded: fields.required(.integer), withIdentifier: .integer)
            return PagedResults(size: size, cookie: try fields.optionalOctets() ?? [])
        }
    }

    /// The control for the search.
    public func control(critical isCritical: Bool = true) throws -> LDAPControl {
        var serializer = DER.Serializer()
        try serializer.appendConstructedNode(identifier: .sequence) { fields in
            try fields.serialize(size)
            try fields.serialize(ASN1OctetString(contentBytes: cookie[...]))
        }
        return LDAPControl(oid: Self.oid, isCritical: isCritical, value: serializer.serializedBytes)
    }
}
