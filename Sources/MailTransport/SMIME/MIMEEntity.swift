/// A MIME entity inside of another one (RFC 2045, section 2.4).
enum MIMEEntity {
    /// - Parameters:
    ///   - contentType: with its parameters.
    ///   - encoding: the content transfer encoding that `body` is in already.
    static func encode(contentType: String, encoding: String, _ body: [UInt8]) -> [UInt8] {
        let header = "Content-Type: \(contentType)\r\nContent-Transfer-Encoding: \(encoding)\r\n\r\n"
        var entity: [UInt8] = []
        entity.reserveCapacity(header.utf8.count + body.count)
        entity.append(contentsOf: header.utf8)
        entity.append(contentsOf: body)
        return entity
    }

    /// The entity's content without its transfer encoding. Unlike a mail, whose last line break is none of its data, a
    /// binary entity is taken to the byte.
    static func content(of entity: MIMEPart) throws(MailFormatError) -> [UInt8] {
        let isBinary = try entity.header.only("content-transfer-encoding")?.lowercased() == "binary"
        return isBinary ? Array(entity.encodedBody) : try entity.decodedBody()
    }
}
