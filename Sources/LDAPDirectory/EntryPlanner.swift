import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// An entry that is to be as it should be, with all that its plan depends on besides what is there.
struct Wish: Sendable {
    /// Where its change is in the batch.
    let index: Int
    let entry: Entry
    /// The container that it belongs in.
    var container: Place
    /// The DNs of a group's members that are here.
    var members: [Value] = []
    /// How many of them are not here yet.
    var missingMembers = 0
    /// Where it should stand so far; nil if it is not known to be here.
    var hint: Place?
    /// Another entry has the place that it wants.
    var isDisplaced = false

    var id: EntryID { entry.id }
}

/// What makes one entry right: a rename, then an addition or a modification; each only if it is needed.
struct EntryPlan: Sendable {
    var wish: Wish
    /// What is here of it, and where; nil if nothing is.
    var current: DirectoryEntry?
    var here: LDAPDN?
    /// Where it will stand, and where it would if no other entry did.
    let placement: Placement
    /// Makes an entry ours that is adopted; it comes before the rest.
    var claim: LDAPWrite?
    var rename: LDAPWrite?
    var write: LDAPWrite?

    var isNothing: Bool { claim == nil && rename == nil && write == nil }

    /// It stands where it should, and where the state says.
    var changesValuesOnly: Bool {
        current != nil && write != nil && claim == nil && rename == nil && wish.hint?.key == placement.place.key
    }
}

/// Decides what has to be done to an entry. It knows the rules of the directory and looks at nothing.
struct EntryPlanner: Sendable {
    let mapping: Mapping
    let schema: DestinationSchema
    let template: PlacementTemplate
    let rules: SchemaRules

    /// - Parameter current: what is here of it, with at least the attributes that ``attributes(for:)`` names; nil if
    ///   nothing is.
    /// - Throws: ``UnfitEntry`` if the server's schema says that it would not take the entry, an ``LDAPError`` if the
    ///   entry cannot have such a name.
    func plan(_ wish: Wish, from current: DirectoryEntry?) throws -> EntryPlan {
        let entry = wish.entry
        var desired = desired(wish)
        let rdn = try rdn(of: desired)
        let place = try wish.container.appending(rdn)
        if entry.kind == .group, wish.members.isEmpty { desired.holdItself(as: place.text) }
        try rules.check(desired, of: entry.kind, over: current)
        let wanted = wish.isDisplaced ? try wantedPlace(wish) : nil
        var plan = EntryPlan(wish: wish, current: current, placement: Placement(place, wanted: wanted))
        guard var actual = current else {
            plan.write = .add(dn: place.text, attributes: attributes(of: desired))
            return plan
        }
        let here = try LDAPDN(actual.dn)
        plan.here = here
        // An entry that is adopted; or it was imported before the server had our schema.
        if !Self.missingStamp(in: actual, desired).isEmpty { plan.claim = claim(&actual, desired) }
        if here.normalized != place.key {
            plan.rename = try rename(&actual, here, to: rdn, in: wish.container, desired)
        }
        let managed = mapping.managedAttributes(for: entry.kind, schema: schema)
        let modifications = Modifications.plan(from: actual, to: desired, managed: managed, rules: rules)
        if !modifications.isEmpty { plan.write = .modify(dn: place.text, modifications: modifications) }
        return plan
    }

    /// The values that the entry will have of an attribute.
    func values(of attribute: String, in wish: Wish) -> [Value] { desired(wish)[attribute] }

    /// Where the entry belongs if no other has its name.
    func wantedPlace(_ wish: Wish) throws -> Place {
        var plain = wish
        plain.isDisplaced = false
        return try wish.container.appending(try rdn(of: desired(plain)))
    }

    /// What has to be known of an entry of that kind to plan for it.
    func attributes(for kind: Entry.Kind) -> [String] {
        ["objectClass"] + Stamp.attributes + mapping.managedAttributes(for: kind, schema: schema)
    }

    /// What else these attributes hold is left alone.
    ///
    /// - Parameter actual: becomes what the entry is then.
    private func claim(_ actual: inout DirectoryEntry, _ desired: DesiredEntry) -> LDAPWrite {
        let classes = desired.objectClasses.filter { !actual.isOf(objectClass: $0) }.map { Value($0) }
        let stamp = Self.missingStamp(in: actual, desired)
        let added = (classes.isEmpty ? [] : [DirectoryAttribute("objectClass", classes)]) + stamp
        for attribute in added { actual[attribute.name] += attribute.values }
        return .modify(
            dn: actual.dn, modifications: added.map { LDAPModification(.add, $0.name, $0.values.map(\.bytes)) })
    }

    private static func missingStamp(in actual: DirectoryEntry, _ desired: DesiredEntry) -> [DirectoryAttribute] {
        desired.attributes.filter { attribute in
            Stamp.attributes.contains(attribute.name) && !attribute.values.allSatisfy(actual[attribute.name].contains)
        }
    }

    private func desired(_ wish: Wish) -> DesiredEntry {
        mapping.desired(
            wish.entry, schema: schema, members: wish.members, placement: template,
            suffix: wish.isDisplaced ? NameSuffix(of: wish.id) : nil)
    }

    private func rdn(of desired: DesiredEntry) throws -> LDAPDN.RDN {
        try LDAPDN.RDN([LDAPDN.AttributeValue(type: desired.rdnAttribute, value: desired.rdnValue.bytes)])
    }

    private func attributes(of desired: DesiredEntry) -> [LDAPAttribute] {
        [LDAPAttribute("objectClass", desired.objectClasses.map { Array($0.utf8) })]
            + desired.attributes.map { LDAPAttribute($0.name, $0.values.map(\.bytes)) }
    }

    /// - Parameter actual: becomes what the entry is after the rename.
    private func rename(
        _ actual: inout DirectoryEntry, _ here: LDAPDN, to rdn: LDAPDN.RDN, in container: Place, _ desired: DesiredEntry
    ) throws -> LDAPWrite {
        let old = here.rdn?.attributeValues ?? []
        let new = rdn.attributeValues
        // The old name goes with the rename, unless it is a value that the entry keeps, or its attribute's only one: a
        // person has to have a `cn`. What is still not wanted then, the modification that follows removes.
        let isKept = old.contains { part in
            desired[part.type].contains(Value(part.value))
                || !new.contains { $0.type.lowercased() == part.type.lowercased() } && actual[part.type].count < 2
        }
        if !isKept {
            for part in old { actual[part.type].removeAll { $0 == Value(part.value) } }
        }
        for part in new where !actual[part.type].contains(Value(part.value)) {
            actual[part.type].append(Value(part.value))
        }
        let isSameContainer = here.parent?.normalized == container.key
        return .rename(
            dn: actual.dn, newRDN: rdn.description, deleteOldRDN: !isKept,
            newSuperior: isSameContainer ? nil : container.text)
    }
}

extension DesiredEntry {
    /// groupOfNames requires a member (RFC 4519, section 3.5): a group of nobody holds itself.
    fileprivate mutating func holdItself(as dn: String) {
        guard let index = attributes.firstIndex(where: { $0.name == "member" }) else { return }
        attributes[index].values = [Value(dn)]
    }
}

extension Place {
    /// The place of an entry directly below this one.
    func appending(_ rdn: LDAPDN.RDN) throws -> Place {
        let child = LDAPDN.root.appending(rdn)
        return Place(key: child.normalized + "," + key, text: try child.string() + "," + text)
    }
}
