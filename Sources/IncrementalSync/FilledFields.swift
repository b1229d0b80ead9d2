import AddressBook

/// Which fields of the General page an entry has, without their values: a bit for each, in the order of
/// `Field.generalPage`, to which a later version may only append.
public struct FilledFields: Hashable, Sendable {
    public let bits: Int64

    public static let none = FilledFields(bits: 0)

    private static let numbers = Dictionary(
        uniqueKeysWithValues: Field.generalPage.enumerated().map { ($0.element, $0.offset) })

    public init(bits: Int64) {
        self.bits = bits
    }

    public init(of entry: Entry) {
        bits = entry.fields.keys.reduce(0) { bits, field in bits | (Self.numbers[field].map { 1 << $0 } ?? 0) }
    }

    public var fields: [Field] {
        guard bits != 0 else { return [] }
        return Field.generalPage.enumerated().filter { bits & (1 << $0.offset) != 0 }.map(\.element)
    }

    func subtracting(_ others: FilledFields) -> FilledFields { FilledFields(bits: bits & ~others.bits) }

    func isDisjoint(with others: FilledFields) -> Bool { bits & others.bits == 0 }
}
