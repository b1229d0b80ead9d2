import AddressBook

/// Values for values. What is looked up is compared as caseIgnoreMatch does.
struct LookupTable: Sendable {
    enum Otherwise: Sendable {
        case keep, drop
        case constant(Value)
    }

    private var values: [[UInt8]: Value] = [:]
    /// What becomes of a value that is not in the table.
    let otherwise: Otherwise

    init(otherwise: Otherwise) {
        self.otherwise = otherwise
    }

    /// False if there is one for it already.
    mutating func add(_ key: String, _ value: String) -> Bool {
        let key = CaseIgnore.fold(Array(key.utf8))
        guard values[key] == nil else { return false }
        values[key] = Value(value)
        return true
    }

    func value(for value: Value) -> Value? {
        if let found = values[CaseIgnore.fold(value.bytes)] { return found }
        return switch otherwise {
        case .keep: value
        case .drop: nil
        case .constant(let constant): constant
        }
    }
}
