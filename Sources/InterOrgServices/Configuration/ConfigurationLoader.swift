import AddressBook
import Foundation
import Yams

extension Configuration {
    /// Reads and checks a configuration file, with the password files that it names.
    ///
    /// - Parameters:
    ///   - path: The file. Relative paths in it start at its folder.
    ///   - environment: The variables that `passwordEnvironment` may name.
    ///   - dnIsWithin: Whether the first DN is equal to or below the second, by normalized comparison (RFC 4514,
    ///     RFC 4518); nil if either cannot be parsed.
    /// - Throws: ``ConfigurationError`` with everything that is wrong.
    public static func load(
        path: String,
        environment: [String: String] = ProcessInfo.processInfo.environment,
        dnIsWithin: @escaping (String, String) -> Bool?
    ) throws(ConfigurationError) -> Configuration {
        let problems = ConfigurationProblems(file: path)
        let configuration = ConfigurationLoader.read(
            path: path, environment: environment, dnIsWithin: dnIsWithin, problems: problems
        )
        if let error = problems.error { throw error }
        guard let configuration else {
            problems.add("the file could not be understood; please report this as a defect, without any secrets")
            throw problems.error ?? ConfigurationError(problems: [])
        }
        return configuration
    }
}

/// Makes a configuration of the nodes of a file, section by section. A method returns nil if it has reported a problem
/// that leaves nothing to return.
struct ConfigurationLoader {
    let problems: ConfigurationProblems
    let dnIsWithin: (String, String) -> Bool?

    /// The size of a file that is not a configuration, in bytes.
    private static let fileBytesMax = 1_048_576

    static func read(
        path: String, environment: [String: String], dnIsWithin: @escaping (String, String) -> Bool?,
        problems: ConfigurationProblems
    ) -> Configuration? {
        guard let text = readText(path, problems: problems) else { return nil }
        let document = ConfigurationDocument.parse(text, problems: problems)
        guard let root = document.root else {
            if problems.error == nil { problems.add("the file is empty; see the example in the documentation") }
            return nil
        }
        let folder = URL(filePath: path).absoluteURL.deletingLastPathComponent().path(percentEncoded: false)
        let context = ConfigurationContext(
            problems: problems, repeatedKeys: document.repeatedKeys, folder: folder, environment: environment
        )
        let value = ConfigurationValue(node: root, keyPath: "", context: context)
        return ConfigurationLoader(problems: problems, dnIsWithin: dnIsWithin).configuration(value, file: path)
    }

    private static func readText(_ path: String, problems: ConfigurationProblems) -> String? {
        do throws(SmallFile.Failure) {
            let file = try SmallFile.read(path, bytesMax: fileBytesMax)
            guard let text = String(validating: file.bytes, as: UTF8.self) else {
                problems.add("the file is not UTF-8 text")
                return nil
            }
            let byteOrderMark: Unicode.Scalar = "\u{FEFF}"
            return text.unicodeScalars.first == byteOrderMark ? String(text.unicodeScalars.dropFirst()) : text
        } catch {
            problems.add("the configuration file cannot be read: \(error.reason)")
            return nil
        }
    }

    private func configuration(_ value: ConfigurationValue, file: String) -> Configuration? {
        guard let section = ConfigurationSection(value, as: RootKey.self) else { return nil }
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
        guard let stateFolder, let directory, let schedule, let guardLimits, let messageBytesMax else { return nil }
        return Configuration(
            file: file, organization: organization, organizationID: ownID, role: parties.role, stateFolder: stateFolder,
            directory: directory, exchange: parties.exchange, schedule: schedule, guardLimits: guardLimits,
            messageBytesMax: messageBytesMax
        )
    }

    private func roleName(_ value: ConfigurationValue) -> RoleName? {
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
