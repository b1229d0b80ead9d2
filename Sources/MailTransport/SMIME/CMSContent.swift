import COpenSSL

/// A CMS structure (RFC 5652). It belongs to one call and never leaves it.
struct CMSContent: ~Copyable {
    let pointer: OpaquePointer

    /// Takes over what OpenSSL has made; nil means that it could not.
    init(owning pointer: OpaquePointer?, _ what: String) throws {
        guard let pointer else {
            throw EnvelopeError(.unavailable, "cannot \(what): \(OpenSSLFailure.take())")
        }
        self.pointer = pointer
    }

    /// Reads the DER or BER encoding of a structure that takes up all of `bytes`, but for line breaks that a gateway has
    /// taken for a part of the data.
    init(_ bytes: ArraySlice<UInt8>) throws {
        OpenSSLFailure.clear()
        let (pointer, left) = try MemoryBIO.withReading(bytes) { bio in
            (d2i_CMS_bio(bio.pointer, nil), Int(BIO_ctrl(bio.pointer, BIO_CTRL_PENDING, 0, nil)))
        }
        guard let pointer else {
            throw EnvelopeError(.damaged, "it is no S/MIME message (\(OpenSSLFailure.take()))")
        }
        guard bytes.suffix(left).allSatisfy({ $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }) else {
            CMS_ContentInfo_free(pointer)
            throw EnvelopeError(.damaged, "\(left) bytes follow the end of its S/MIME message")
        }
        self.pointer = pointer
    }

    deinit {
        CMS_ContentInfo_free(pointer)
    }

    /// What it is: the NID of its content type.
    var type: Int32 { OBJ_obj2nid(CMS_get0_type(pointer)) }

    /// What it carries inside: the NID of its encapsulated content's type.
    var innerType: Int32 { OBJ_obj2nid(CMS_get0_eContentType(pointer)) }

    /// Its encoding in DER.
    func der() throws -> [UInt8] {
        let bio = try MemoryBIO()
        guard i2d_CMS_bio(bio.pointer, pointer) == 1 else {
            throw EnvelopeError(.unavailable, "cannot encode an S/MIME message: \(OpenSSLFailure.take())")
        }
        return bio.bytes
    }
}
