import AddressBook

/// A condition on an entry: the part of RFC 4515's filters that needs no schema. Values are compared as caseIgnoreMatch
/// does; a value that is absent matches nothing.
indirect enum Filter: Sendable {
    case and([Filter])
    case or([Filter])
    case not(Filter)
    case present(SourceName)
    case equal(SourceName, folded: [UInt8])
    case substring(SourceName, Substring)

    /// The parts that a value must have in this order, folded.
    struct Substring: Sendable {
        var initial: [UInt8]
        var middle: [[UInt8]]
        var final: [UInt8]
    }

    /// What it looks at.
    var names: [SourceName] {
        switch self {
        case .and(let filters), .or(let filters): filters.flatMap(\.names)
        case .not(let filter): filter.names
        case .present(let name), .equal(let name, _), .substring(let name, _): [name]
        }
    }

    func matches(_ sources: SourceValues) -> Bool {
        switch self {
        case .and(let filters): filters.allSatisfy { $0.matches(sources) }
        case .or(let filters): filters.contains { $0.matches(sources) }
        case .not(let filter): !filter.matches(sources)
        case .present(let name): !sources(name.key).isEmpty
        case .equal(let name, let folded): sources(name.key).contains { CaseIgnore.fold($0.bytes) == folded }
        case .substring(let name, let parts):
            sources(name.key).contains { parts.matches(CaseIgnore.fold($0.bytes)[...]) }
        }
    }
}

extension Filter.Substring {
    fileprivate func matches(_ value: ArraySlice<UInt8>) -> Bool {
        guard value.starts(with: initial) else { return false }
        var rest = value.dropFirst(initial.count)
        for part in middle {
            guard let end = rest.end(of: part) else { return false }
            rest = rest[end...]
        }
        return rest.count >= final.count && rest.suffix(final.count).elementsEqual(final)
    }
}

extension ArraySlice<UInt8> {
    /// Where the first occurrence of a part ends.
    fileprivate func end(of part: [UInt8]) -> Int? {
        guard count >= part.count else { return nil }
        return (startIndex...(endIndex - part.count)).first { self[$0...].starts(with: part) }.map { $0 + part.count }
    }
}
