import DirectoryMapping
import Foundation
import LDAPClient
import LDAPDirectory
import Logging
import MailTransport

/// What `interorg check` has found in order.
public struct ConfigurationCheck: Encodable, Sendable {
    /// The path of the configuration file.
    public var configuration: String
    /// The URL of the directory, which has been reached.
    public var directory: String
    /// The exported bases, which the connector sees.
    public var exports: [String]
    /// The import base, which the connector sees; nil if there is none.
    public var importBase: String?
    /// The mapping's name or file.
    public var mapping: String
    /// Whether mail is signed and encrypted.
    public var isSealed: Bool
    /// The own certificate and those of the peers; each peer has a valid one.
    public var keys: [KeyReport]
    /// Certificates that end within 30 days.
    public var keyWarnings: [String]
    /// How mail comes: what can be seen of it without taking any is in order.
    public var inbox: String

    /// Connects to the directory as the service would, and looks for the bases; looks at the inbox.
    ///
    /// - Throws: ``CheckFailure`` for what has to be corrected, else the error of the connection or of the inbox.
    public static func run(_ configuration: Configuration) async throws -> ConfigurationCheck {
        let now = Date()
        try configuration.checkKeys(now: now)
        try await CheckFailure.wrapping {
            try await LDAPOrganizationDirectory(configuration).check()
        }
        let source = try configuration.mailSource(logger: Logger(label: "check") { _ in SwiftLogNoOpLogHandler() })
        try await source?.check()
        let directory = configuration.directory
        return ConfigurationCheck(
            configuration: configuration.file, directory: directory.url, exports: directory.exports.map(\.base),
            importBase: directory.imports?.base, mapping: directory.mapping.name,
            isSealed: configuration.exchange.isSealed, keys: configuration.keyReports(now: now),
            keyWarnings: configuration.keyWarnings(now: now), inbox: source?.name ?? "interorg receive")
    }
}

extension Configuration {
    /// - Throws: ``CheckFailure``, if no mail could be sealed or believed for lack of a certificate that is valid now.
    fileprivate func checkKeys(now: Date) throws(CheckFailure) {
        guard exchange.isSealed else { return }
        let reports = Dictionary(grouping: keyReports(now: now), by: \.organization)
        let isUsable = { (key: KeyReport) in key.state == .valid || key.state == .expiring }
        let unusable = reports.filter { !$0.value.contains(where: isUsable) }
        guard unusable.isEmpty else {
            throw CheckFailure(description: keyWarnings(now: now).joined(separator: "\n"))
        }
    }
}

/// Something that a person has to correct: what was being done, to what, and what to try.
public struct CheckFailure: Error, CustomStringConvertible, Sendable {
    public let description: String

    static func wrapping<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as DirectoryError {
            throw CheckFailure(description: error.description)
        }
    }
}
