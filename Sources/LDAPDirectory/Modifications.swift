import AddressBook
import DirectoryMapping
import Foundation
import LDAPClient

/// What turns an entry as it is into an entry as it should be.
enum Modifications {
    /// - Parameter managed: the attributes that are the mapping's. Others belong to others and are left alone.
    static func plan(
        from current: DirectoryEntry, to desired: DesiredEntry, managed: [String], rules: SchemaRules
    ) -> [LDAPModification] {
        var modifications: [LDAPModification] = []
        let missingClasses = desired.objectClasses.filter { !current.isOf(objectClass: $0) }
        if !missingClasses.isEmpty {
            modifications.append(LDAPModification(.add, "objectClass", missingClasses.map { Array($0.utf8) }))
        }
        for name in managed {
            modifications += changes(
                of: name, from: current[name], to: desired[name], hasEqualityRule: rules.hasEqualityRule(name))
        }
        return modifications
    }

    private static func changes(
        of name: String, from current: [Value], to desired: [Value], hasEqualityRule: Bool
    ) -> [LDAPModification] {
        let isOrdered = Field(rawValue: name).isOrdered
        if isOrdered || !hasEqualityRule {
            // Deleting and adding single values would not give the order, or the server could not find them.
            let isSame = isOrdered ? current == desired : Set(current) == Set(desired)
            return isSame ? [] : [LDAPModification(.replace, name, desired.map(\.bytes))]
        }
        let isName = name.lowercased() == "member"
        let key: (Value) -> Value = { value in
            guard isName, let text = value.text, let dn = try? LDAPDN(text) else { return value }
            return Value(dn.normalized)
        }
        let old = Dictionary(current.map { (key($0), $0) }, uniquingKeysWith: { first, _ in first })
        let new = Dictionary(desired.map { (key($0), $0) }, uniquingKeysWith: { first, _ in first })
        let obsolete = current.filter { new[key($0)] == nil }
        let missing = desired.filter { old[key($0)] == nil }
        var modifications: [LDAPModification] = []
        if !obsolete.isEmpty { modifications.append(LDAPModification(.delete, name, obsolete.map(\.bytes))) }
        if !missing.isEmpty { modifications.append(LDAPModification(.add, name, missing.map(\.bytes))) }
        return modifications
    }
}
