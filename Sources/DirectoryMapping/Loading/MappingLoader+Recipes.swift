import AddressBook
import StrictYAML

extension MappingLoader {
    func recipe(_ value: YAMLValue, _ direction: Direction) -> Recipe? {
        if value.kind == .text {
            guard let text = value.text(), let name = source(text, at: value, direction) else { return nil }
            return Recipe(source: .values([name]))
        }
        guard let section = YAMLSection(value, as: RecipeKey.self) else { return nil }
        let source = self.source(section, direction)
        let steps = section.read(.then, otherwise: []) { self.steps($0, direction) }
        let condition = section.read(.when, otherwise: nil) { self.condition($0, direction) }
        let isOneWay = section.read(.oneWay, otherwise: false) { $0.flag() }
        let needsSchema = section.read(.needsSchema, otherwise: false) { value in
            guard direction == .import else { return value.refuse("needsSchema is for \"import\" only") }
            return value.flag()
        }
        guard let source, let steps, let condition, let isOneWay, let needsSchema else { return nil }
        return Recipe(
            source: source, steps: steps, condition: condition, isOneWay: isOneWay, needsSchema: needsSchema)
    }

    private func source(_ section: YAMLSection<RecipeKey>, _ direction: Direction) -> Recipe.Source? {
        guard let given = section.exactlyOne(of: [.from, .constant, .template, .nameOf]) else { return nil }
        switch given.key {
        case .constant: return constant(given.value).map { .constant(Value($0)) }
        case .template: return template(given.value, direction).map { .template($0) }
        case .nameOf:
            guard direction == .export else {
                return given.value.refuse("nameOf is for \"export\" only: a field has no DN in it")
            }
            return given.value.text().flatMap { attribute($0, at: given.value) }.map { .names($0) }
        default:
            guard given.value.kind == .list else {
                return given.value.text().flatMap { source($0, at: given.value, direction) }.map { .values([$0]) }
            }
            guard let elements = given.value.list() else { return nil }
            let names = elements.map { element in element.text().flatMap { source($0, at: element, direction) } }
            guard !names.isEmpty else { return given.value.refuse("the list is empty; give at least one name") }
            return names.contains { $0 == nil } ? nil : .values(names.compactMap(\.self))
        }
    }

    func constant(_ value: YAMLValue) -> String? {
        guard let text = value.plainText(expected: "text") else { return nil }
        return text.isEmpty ? value.refuse("the text is empty; give it a value") : text
    }

    private func template(_ value: YAMLValue, _ direction: Direction) -> Template? {
        guard let text = value.text() else { return nil }
        do throws(Template.Failure) {
            return try Template(text) { name throws(Template.Failure) in
                do throws(NameFailure) {
                    return try Self.name(name, direction)
                } catch {
                    throw Template.Failure(reason: error.reason)
                }
            }
        } catch {
            return value.refuse(error.reason)
        }
    }

    /// Nil if it reported a problem.
    private func condition(_ value: YAMLValue, _ direction: Direction) -> Filter?? {
        guard let text = value.text() else { return nil }
        do throws(Filter.Failure) {
            return try Filter(text) { name throws(Filter.Failure) in
                do throws(NameFailure) {
                    return try Self.name(name, direction)
                } catch {
                    throw Filter.Failure(reason: error.reason)
                }
            }
        } catch {
            value.fail(error.reason)
            return nil
        }
    }

    // MARK: - Names

    func field(_ name: String, at value: YAMLValue) -> Field? {
        named(at: value) { () throws(NameFailure) in try Self.field(name) }
    }

    func attribute(_ name: String, at value: YAMLValue) -> SourceName? {
        named(at: value) { () throws(NameFailure) in try Self.attribute(name) }
    }

    private func source(_ name: String, at value: YAMLValue, _ direction: Direction) -> SourceName? {
        named(at: value) { () throws(NameFailure) in try Self.name(name, direction) }
    }

    private func named<Name>(at value: YAMLValue, _ body: () throws(NameFailure) -> Name) -> Name? {
        do throws(NameFailure) {
            return try body()
        } catch {
            return value.refuse(error.reason)
        }
    }

    private struct NameFailure: Error {
        let reason: String
    }

    private static func name(_ name: String, _ direction: Direction) throws(NameFailure) -> SourceName {
        switch direction {
        case .export: try attribute(name)
        case .import: .field(try field(name))
        }
    }

    private static func field(_ name: String) throws(NameFailure) -> Field {
        let field = Field(rawValue: name)
        guard !Field.generalPage.contains(field) else { return field }
        let names = Field.generalPage.map(\.rawValue)
        let hint = SimilarName.find(for: name, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
        throw NameFailure(
            reason: "\"\(name)\" is no field of the General page\(hint) (fields: \(names.joined(separator: ", ")))")
    }

    /// An attribute description (RFC 4512, section 2.5): a name or an OID, with options.
    private static func attribute(_ name: String) throws(NameFailure) -> SourceName {
        guard name.wholeMatch(of: /([A-Za-z][A-Za-z0-9\-]*|[0-9]+(\.[0-9]+)+)(;[A-Za-z0-9\-]+)*/) != nil else {
            throw NameFailure(
                reason: "\"\(name)\" is not the name of an attribute; expected something like telephoneNumber")
        }
        return .attribute(name)
    }
}

extension YAMLValue {
    /// Reports a problem; nil.
    func refuse<Result>(_ message: String) -> Result? {
        fail(message)
        return nil
    }
}
