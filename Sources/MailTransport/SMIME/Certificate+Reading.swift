import COpenSSL

extension Certificate {
    /// More than any person puts into one file on purpose.
    private static let countMax = 1_000

    /// Every certificate of a PEM file (RFC 7468), in its order; or the one of a DER file. Other text in a PEM file, such
    /// as a private key, is passed over.
    ///
    /// - Throws: `EnvelopeError` with a sentence for people, also if there is no certificate.
    public static func all(in file: [UInt8]) throws(EnvelopeError) -> [Certificate] {
        OpenSSLFailure.clear()
        // DER begins with the tag of a sequence, which no text does.
        if file.first == 0x30, file.dropFirst().first ?? 0 >= 0x80 { return [try der(file)] }
        do {
            return try MemoryBIO.withReading(file[...]) { try read($0) }
        } catch let error as EnvelopeError {
            throw error
        } catch {
            throw EnvelopeError(.invalidCertificate, "\(error)")
        }
    }

    private static func read(_ bio: borrowing MemoryBIO) throws -> [Certificate] {
        var certificates: [Certificate] = []
        while certificates.count < countMax {
            if let x509 = PEM_read_bio_X509(bio.pointer, nil, nil, nil) {
                certificates.append(try Certificate(owning: x509))
                continue
            }
            guard interorg_error_is_no_pem(ERR_peek_last_error()) == 1 else {
                throw EnvelopeError(
                    .invalidCertificate,
                    "certificate \(certificates.count + 1) in it is damaged (\(OpenSSLFailure.take()))")
            }
            OpenSSLFailure.clear()
            break
        }
        guard !certificates.isEmpty else {
            throw EnvelopeError(
                .invalidCertificate, "it has no certificate; expected PEM text with -----BEGIN CERTIFICATE-----")
        }
        return certificates
    }

    private static func der(_ bytes: [UInt8]) throws(EnvelopeError) -> Certificate {
        let x509 = bytes.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            var next = buffer.baseAddress
            return d2i_X509(nil, &next, buffer.count)
        }
        guard let x509 else {
            throw EnvelopeError(.invalidCertificate, "it is no certificate (\(OpenSSLFailure.take()))")
        }
        return try Certificate(owning: x509)
    }
}
