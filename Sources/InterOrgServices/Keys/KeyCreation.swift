import Foundation
import MailTransport

/// A key and a certificate for it that have been made.
public struct KeyCreation: Sendable, Encodable {
    public var certificateFile: String
    public var keyFile: String
    public var certificate: KeyReport

    /// The validity that may be asked for, in days.
    public static let daysAllowed = 1...3_650

    /// Makes a key of the organization and a certificate that it signs itself, and writes both.
    ///
    /// - Parameters:
    ///   - files: where to; nil: the files of `exchange.identity`.
    ///   - isReplacing: whether files that are there already may go.
    /// - Throws: ``KeyError``.
    public static func create(
        _ configuration: Configuration, certificateFile: String?, keyFile: String?, days: Int, isReplacing: Bool,
        now: Date
    ) throws -> KeyCreation {
        let keys = configuration.exchange.protection.keys
        guard let certificateFile = certificateFile ?? keys?.certificateFile, let keyFile = keyFile ?? keys?.keyFile
        else {
            throw KeyError(
                "\(configuration.file) does not say where the key is to be: add identity: { certificate: own.crt, "
                    + "key: own.key } to its exchange section, or give --certificate and --key")
        }
        guard certificateFile != keyFile else {
            throw KeyError("certificate and key cannot be the same file (\(keyFile)): one of them is given away")
        }
        for file in [keyFile, certificateFile] where !isReplacing && FileManager.default.fileExists(atPath: file) {
            throw KeyError(
                "\(file) is there already, and mail that is encrypted to its key could no longer be read. To renew a "
                    + "key, make the new one beside it with --certificate and --key; --replace gives the old one up")
        }
        let identity = try MailIdentity.selfSigned(
            organization: configuration.organization, address: MailAddress(configuration.exchange.address),
            key: PrivateKey.makeP256(), days: days, now: now)
        try KeyFile.write(try identity.key.pem(), to: keyFile, permissions: 0o600, isReplacing: isReplacing)
        try KeyFile.write(
            identity.certificate.pem, to: certificateFile, permissions: 0o644, isReplacing: isReplacing)
        return KeyCreation(
            certificateFile: certificateFile, keyFile: keyFile,
            certificate: KeyReport(identity.certificate, of: configuration.organization, isOwn: true, now: now))
    }
}
