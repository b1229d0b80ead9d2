internal import SwiftASN1

/// Reads the fields of a BER SEQUENCE one after the other, optional ones included.
///
/// swift-asn1's helpers for OPTIONAL and DEFAULT read DER, which knows only one `TRUE` and no DEFAULT that is written
/// out; slapd writes BER.
struct BERFields {
    private var nodes: ASN1NodeCollection.Iterator
    private var peeked: ASN1Node?

    /// The fields of a constructed node.
    init(_ node: ASN1Node) throws(ASN1Error) {
        guard case .constructed(let children) = node.content else {
            throw ASN1Error.unexpectedFieldType(node.identifier)
        }
        nodes = children.makeIterator()
        peeked = nodes.next()
    }

    /// The fields of an encoded SEQUENCE.
    static func sequence(_ bytes: [UInt8]) throws -> BERFields {
        let node = try BER.parse(bytes)
        guard node.identifier == .sequence else { throw ASN1Error.unexpectedFieldType(node.identifier) }
        return try BERFields(node)
    }

    /// The next field if it has that tag.
    mutating func optional(_ identifier: ASN1Identifier) -> ASN1Node? {
        guard let node = peeked, node.identifier == identifier else { return nil }
        peeked = nodes.next()
        return node
    }

    /// The next field, which must have that tag.
    mutating func required(_ identifier: ASN1Identifier) throws(ASN1Error) -> ASN1Node {
        guard let node = optional(identifier) else {
            throw ASN1Error.invalidASN1Object(reason: "a field with tag \(identifier) is missing")
        }
        return node
    }

    /// An OCTET STRING OPTIONAL.
    mutating func optionalOctets() throws -> [UInt8]? {
        try optional(.octetString).map { Array(try ASN1OctetString(berEncoded: $0).bytes) }
    }

    /// A BOOLEAN DEFAULT.
    mutating func boolean(default defaultValue: Bool) throws -> Bool {
        try optional(.boolean).map { try Bool(berEncoded: $0, withIdentifier: .boolean) } ?? defaultValue
    }

    /// An ENUMERATED.
    mutating func enumerated() throws -> Int {
        try Int(derEncoded: required(.enumerated), withIdentifier: .enumerated)
    }
}
