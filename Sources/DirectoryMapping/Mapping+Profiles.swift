import Foundation
import StrictYAML

extension Mapping {
    /// People as `inetOrgPerson` (RFC 2798) has them. A test proves that it loads; a failure here would be a defect
    /// that every test run shows at once.
    public static let inetOrgPerson: Mapping = {
        do {
            return Mapping(name: "inetOrgPerson", try Profile.inetOrgPerson.rules())
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    /// The mapping of a built-in profile; nil if there is none of that name.
    public static func builtIn(named name: String) -> Mapping? {
        Profile(rawValue: name).map { profile in
            switch profile {
            case .inetOrgPerson: inetOrgPerson
            }
        }
    }

    /// The names of the built-in profiles.
    public static var builtInNames: [String] { Profile.allCases.map(\.rawValue) }
}

/// A mapping that comes with the program; its text is in `Profiles`.
enum Profile: String, CaseIterable {
    case inetOrgPerson

    var text: String {
        switch self {
        case .inetOrgPerson: String(decoding: PackageResources.inetOrgPerson_yaml, as: UTF8.self)
        }
    }

    func rules() throws(YAMLError) -> MappingRules {
        try MappingLoader.load(text, file: "\(rawValue) (built in)")
    }
}
