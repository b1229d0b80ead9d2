import AddressBook
import Foundation
import StrictYAML

extension Configuration {
    /// Reads and checks a configuration file, with the password files that it names.
    ///
    /// - Parameters:
    ///   - path: The file. Relative paths in it start at its folder.
    ///   - environment: The variables that `passwordEnvironment` may name.
    ///   - dnIsWithin: Whether the first DN is equal to or below the second, by normalized comparison (RFC 4514,
    ///     RFC 4518); nil if either cannot be parsed.
    ///   - keysMayBeMissing: whether keys and certificates, which may be about to be made, need not be there.
    /// - Throws: ``YAMLError`` with everything that is wrong.
    public static func load(
        path: String,
        environment: [String: String] = ProcessInfo.processInfo.environment,
        dnIsWithin: @escaping (String, String) -> Bool?, keysMayBeMissing: Bool = false
    ) throws(YAMLError) -> Configuration {
        let problems = YAMLProblems(file: path)
        let configuration = ConfigurationLoader.read(
            path: path, environment: environment, dnIsWithin: dnIsWithin, keysMayBeMissing: keysMayBeMissing,
            problems: problems
        )
        return try problems.result(configuration)
    }
}

/// Makes a configuration of the nodes of a file, section by section. A method returns nil if it has reported a problem
/// that leaves nothing to return.
struct ConfigurationLoader {
    let problems: YAMLProblems
    let dnIsWithin: (String, String) -> Bool?
    let keysMayBeMissing: Bool

    /// The size of a file that is not a configuration, in bytes.
    private static let fileBytesMax = 1_048_576

    static func read(
        path: String, environment: [String: String], dnIsWithin: @escaping (String, String) -> Bool?,
        keysMayBeMissing: Bool, problems: YAMLProblems
    ) -> Configuration? {
        guard let text = readText(path, problems: problems) else { return nil }
        let folder = URL(filePath: path).absoluteURL.deletingLastPathComponent().path(percentEncoded: false)
        guard let value = YAMLValue.root(of: text, problems: problems, folder: folder, environment: environment) else {
            return nil
        }
        return ConfigurationLoader(
            problems: problems, dnIsWithin: dnIsWithin, keysMayBeMissing: keysMayBeMissing
        ).configuration(value, file: path)
    }

    private static func readText(_ path: String, problems: YAMLProblems) -> String? {
        do throws(SmallFile.Failure) {
            return try SmallFile.readText(path, bytesMax: fileBytesMax)
        } catch {
            problems.add("the configuration file cannot be read: \(error.reason)")
            return nil
        }
    }

    private func configuration(_ value: YAMLValue, file: String) -> Configuration? {
        guard let section = YAMLSection(value, as: RootKey.self) else { return nil }
        let organization = section.required(.organization)?.organizationName()
        let organizationID = section[.organizationID]?.uuid()
        let roleName = section.required(.role).flatMap(self.roleName)
        let stateFolder = section.required(.state)?.folderPath()
        let directory = section.required(.directory).flatMap(self.directory)
        let parties = section.required(.exchange).flatMap { exchange($0, role: roleName) }
        let schedule = section.required(.schedule).flatMap(self.schedule)
        let guardLimits = section.read(.guard, otherwise: .standard, as: self.guardLimits)
        let messageBytesMax = section.read(.messageBytes, otherwise: Configuration.messageBytesMaxStandard) {
            $0.byteCount()
        }
        guard let organization, let parties else { return nil }
        let ownID = organizationID ?? OrganizationID(derivedFromName: organization).uuid
        checkDistinct(parties, ownName: organization, ownID: ownID)
        checkReceived(parties, ownName: organization)
        checkDistinctCertificates(parties)
        guard let stateFolder, let directory, let schedule, let guardLimits, let messageBytesMax else { return nil }
        return Configuration(
            file: file, organization: organization, organizationID: ownID, role: parties.role, stateFolder: stateFolder,
            directory: directory, exchange: parties.exchange, schedule: schedule, guardLimits: guardLimits,
            messageBytesMax: messageBytesMax
        )
    }

    private func roleName(_ value: YAMLValue) -> RoleName? {
        if value.isText("replication") {
            value.fail("the role \"replication\" comes with a later version; allowed now: master, requestor")
            return nil
        }
        return value.choice(RoleName.self)
    }
}

/// The roles as the file names them.
enum RoleName: String, CaseIterable {
    case master, requestor
}
