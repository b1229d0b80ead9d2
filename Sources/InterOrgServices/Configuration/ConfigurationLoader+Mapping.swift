import DirectoryMapping
import StrictYAML

extension ConfigurationLoader {
    /// The size of a file that is not a mapping, in bytes.
    private static let mappingBytesMax = 1_048_576

    /// A built-in mapping by its name, or the user's own from a file.
    func mapping(_ value: YAMLValue) -> Mapping? {
        guard value.kind != .text else { return builtInMapping(value) }
        guard let file = YAMLSection(value, as: MappingFileKey.self)?.required(.file), let path = file.path() else {
            return nil
        }
        let text: String
        do throws(SmallFile.Failure) {
            text = try SmallFile.readText(path, bytesMax: Self.mappingBytesMax)
        } catch {
            file.fail("the mapping file \(path) cannot be read: \(error.reason)")
            return nil
        }
        do throws(YAMLError) {
            return try Mapping(text, file: path)
        } catch {
            problems.add(error)
            return nil
        }
    }

    private func builtInMapping(_ value: YAMLValue) -> Mapping? {
        guard let name = value.text() else { return nil }
        if let mapping = Mapping.builtIn(named: name) { return mapping }
        let names = Mapping.builtInNames
        let similar = SimilarName.find(for: name, among: names).map { "; did you mean \"\($0)\"?" }
        let hint = name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? "; for a file write { file: \(name) }" : similar
        value.fail(
            "\"\(name)\" is not a built-in mapping; allowed: \(names.joined(separator: ", ")), or { file: ... }"
                + (hint ?? ""))
        return nil
    }
}
