import Foundation
import MailTransport
import StrictYAML

/// Whose certificates have to be named in the file.
struct CertificateNeeds {
    /// A requestor speaks first, and can encrypt nothing without it.
    let ofMaster: Bool
    /// A master learns them from the mail of its requestors, where an authority stands for them.
    let ofRequestor: Bool

    init(_ protection: Configuration.MailProtection?, keysMayBeMissing: Bool) {
        guard !keysMayBeMissing, case .sealed(let keys) = protection else {
            (ofMaster, ofRequestor) = (false, false)
            return
        }
        (ofMaster, ofRequestor) = (true, keys.authority == nil)
    }
}

extension ConfigurationLoader {
    /// More than a file of keys or certificates has.
    private static let fileBytesMax = 1_000_000

    /// Mail is closed by default: without keys only if the file says so.
    func protection(_ section: YAMLSection<ExchangeKey>) -> Configuration.MailProtection? {
        let isInsecure = section.read(.insecure, otherwise: false) { $0.flag() }
        let authority = section[.authority].flatMap { certificates(in: $0, getting: "ask the authority for it") }
        guard let identity = section[.identity] else {
            guard let isInsecure else { return nil }
            if isInsecure { return .insecure(nil) }
            section.fail(
                "mail is signed and encrypted, and the key for that is missing here: write "
                    + "identity: { certificate: own.crt, key: own.key } and make both files with interorg keys create; "
                    + "or write insecure: true to accept mail that anybody can forge and read")
            return nil
        }
        let keys = keys(identity, authority: authority)
        guard let isInsecure, let keys else { return nil }
        return isInsecure ? .insecure(keys) : .sealed(keys)
    }

    private func keys(_ value: YAMLValue, authority: Configuration.TrustedCertificates?) -> Configuration.Keys? {
        guard let section = YAMLSection(value, as: IdentityKey.self),
            let certificateValue = section.required(.certificate), let keyValue = section.required(.key),
            let certificateFile = certificateValue.path(), let keyFile = keyValue.path()
        else { return nil }
        let making = "make it with interorg keys create"
        let isMissing = [certificateFile, keyFile].contains { !FileManager.default.fileExists(atPath: $0) }
        if keysMayBeMissing, isMissing {
            return .init(certificateFile: certificateFile, keyFile: keyFile, identity: nil, authority: authority)
        }
        guard let certificate = certificates(in: certificateValue, getting: making)?.all.first,
            let key = privateKey(keyValue, path: keyFile, getting: making)
        else { return nil }
        do throws(EnvelopeError) {
            let identity = try MailIdentity(certificate: certificate, key: key)
            return .init(certificateFile: certificateFile, keyFile: keyFile, identity: identity, authority: authority)
        } catch {
            value.fail("\(error.description); name the two files that interorg keys create has made together")
            return nil
        }
    }

    private func privateKey(_ value: YAMLValue, path: String, getting advice: String) -> PrivateKey? {
        let file: SmallFile
        do throws(SmallFile.Failure) {
            file = try SmallFile.read(path, bytesMax: Self.fileBytesMax)
        } catch {
            value.fail("the key file \(path) cannot be read: \(error.reason); \(advice)")
            return nil
        }
        guard file.permissions & 0o077 == 0 else {
            let mode = String(file.permissions, radix: 8)
            value.fail("the key file \(path) is open to others than its owner (mode 0\(mode)); run chmod 600 \(path)")
            return nil
        }
        do throws(EnvelopeError) {
            return try PrivateKey(pem: file.bytes)
        } catch {
            value.fail("the key file \(path) cannot be used: \(error.description)")
            return nil
        }
    }

    /// The certificates of a peer: those of one file, or of a list of files.
    ///
    /// - Parameters:
    ///   - peer: the section of the peer, for what is wrong if there are none.
    ///   - isNeeded: whether there has to be one.
    func certificates(
        _ value: YAMLValue?, in peer: YAMLValue, isNeeded: Bool
    ) -> Configuration.TrustedCertificates? {
        let advice = "ask the organization for its certificate and add it with interorg keys trust"
        guard let value else {
            guard isNeeded else { return Configuration.TrustedCertificates.none }
            peer.fail(
                "the organization's certificate is missing here: write certificate: peer.crt; \(advice)")
            return nil
        }
        return certificates(in: value, getting: advice)
    }

    private func certificates(in value: YAMLValue, getting advice: String) -> Configuration.TrustedCertificates? {
        let values = value.kind == .list ? value.list() ?? [] : [value]
        guard !values.isEmpty else {
            value.fail("the list is empty; name at least one file with certificates")
            return nil
        }
        var files: [String] = []
        var all: [Certificate] = []
        for value in values {
            guard let path = value.path(), let found = certificates(inFile: path, value, getting: advice) else {
                return nil
            }
            if !files.contains(path) { files.append(path) }
            for certificate in found where !all.contains(certificate) { all.append(certificate) }
        }
        return .init(files: files, all: all)
    }

    private func certificates(inFile path: String, _ value: YAMLValue, getting advice: String) -> [Certificate]? {
        if keysMayBeMissing, !FileManager.default.fileExists(atPath: path) { return [] }
        let file: SmallFile
        do throws(SmallFile.Failure) {
            file = try SmallFile.read(path, bytesMax: Self.fileBytesMax)
        } catch {
            value.fail("the certificate file \(path) cannot be read: \(error.reason); \(advice)")
            return nil
        }
        do throws(EnvelopeError) {
            return try Certificate.all(in: file.bytes)
        } catch {
            value.fail("the certificate file \(path) cannot be used: \(error.description)")
            return nil
        }
    }
}
