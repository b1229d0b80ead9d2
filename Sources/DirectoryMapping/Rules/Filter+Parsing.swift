import Foundation

extension Filter {
    /// Why a text is not a filter that can be a condition, as a sentence about it.
    struct Failure: Error {
        let reason: String
    }

    /// - Parameter name: what may be looked at; it throws for anything else.
    init(_ text: String, name: @escaping (String) throws(Failure) -> SourceName) throws(Failure) {
        var parser = FilterParser(rest: Array(text.utf8)[...], name: name)
        self = try parser.filter(depth: 0)
        guard parser.rest.isEmpty else {
            throw Failure(reason: "there is something after the filter's last parenthesis")
        }
    }
}

/// Reads the text form of a filter (RFC 4515, section 3).
private struct FilterParser {
    var rest: ArraySlice<UInt8>
    let name: (String) throws(Filter.Failure) -> SourceName

    /// Nobody nests deeper, and a stack is not endless.
    private static let depthMax = 32
    private static let example = "expected something like (objectClass=person) or (&(l=Berlin)(!(title=*)))"

    mutating func filter(depth: Int) throws(Filter.Failure) -> Filter {
        guard depth < Self.depthMax else { throw failure("the filter nests too deep") }
        guard take("(") else { throw failure(Self.example) }
        let filter: Filter
        if take("&") {
            filter = .and(try filters(depth: depth))
        } else if take("|") {
            filter = .or(try filters(depth: depth))
        } else if take("!") {
            filter = .not(try self.filter(depth: depth + 1))
        } else {
            filter = try item()
        }
        guard take(")") else { throw failure("the filter's parentheses do not pair; \(Self.example)") }
        return filter
    }

    private mutating func filters(depth: Int) throws(Filter.Failure) -> [Filter] {
        var filters: [Filter] = []
        while rest.first == UInt8(ascii: "(") { filters.append(try filter(depth: depth + 1)) }
        guard !filters.isEmpty else { throw failure("there is nothing after \"&\" or \"|\"; \(Self.example)") }
        return filters
    }

    private mutating func item() throws(Filter.Failure) -> Filter {
        let end = rest.firstIndex { [UInt8(ascii: "("), UInt8(ascii: ")")].contains($0) } ?? rest.endIndex
        let item = rest[..<end]
        rest = rest[end...]
        guard let equals = item.firstIndex(of: UInt8(ascii: "=")) else { throw failure(Self.example) }
        let attribute = item[..<equals]
        if let last = attribute.last, "<>~:".utf8.contains(last) {
            let sign = String(UnicodeScalar(last))
            throw failure(
                "\"\(sign)=\" is not known here; a condition compares with \"=\", and \"*\" stands for any text")
        }
        let source = try name(String(decoding: attribute, as: UTF8.self))
        return try assertion(item[(equals + 1)...], source)
    }

    private func assertion(_ text: ArraySlice<UInt8>, _ name: SourceName) throws(Filter.Failure) -> Filter {
        let parts = text.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
        var values: [[UInt8]] = []
        for part in parts { values.append(try unescaped(part)) }
        if values.count == 1 { return .equal(name, folded: CaseIgnore.fold(values[0])) }
        if values.allSatisfy(\.isEmpty) { return .present(name) }
        let folded = values.map { CaseIgnore.fold($0, trims: false) }
        return .substring(
            name,
            Filter.Substring(
                initial: folded[0], middle: folded.dropFirst().dropLast().filter { !$0.isEmpty },
                final: folded[folded.count - 1]))
    }

    /// `\2a` is a star, and so on.
    private func unescaped(_ text: ArraySlice<UInt8>) throws(Filter.Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                throw failure("after a backslash there must be two hexadecimal digits, like \\2a for a star")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    private func failure(_ reason: String) -> Filter.Failure { Filter.Failure(reason: reason) }
}
