import ArgumentParser
import Foundation
import InterOrgServices
import StrictYAML

struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: "The configuration file of the service.")
    var config: String

    func load(keysMayBeMissing: Bool = false) throws -> Configuration {
        do {
            return try Configuration.load(path: config, keysMayBeMissing: keysMayBeMissing)
        } catch {
            throw Failure(.usage, error.description)
        }
    }
}

/// Prints a value as JSON with sorted keys and RFC 3339 dates.
func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
