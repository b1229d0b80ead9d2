import AddressBook
import Foundation
import InterOrgProtocol

/// What people do to their address books.
extension World {
    /// An address book of so many entries, one container among ten.
    func populate(_ service: SimulatedService, _ count: Int) {
        for number in 0..<count {
            let containers = service.directory.look { tree in tree.nodes { $0.kind == .container } }
            _ = add(number.isMultiple(of: 10) ? .container : .person, to: service, containers)
        }
        note("\(service.organization.name)'s directory has \(count) entries")
    }

    public func changeAddressBook(of service: SimulatedService) {
        let home = service.directory.look { tree in tree.nodes { $0.stamp == nil } }
        let containers = home.filter { $0.kind == .container }
        let entries = home.filter { $0.kind != .container }
        let what: String? =
            switch dice.number(in: 1...100) {
            case ...30: add(.person, to: service, containers)
            case ...38: add(.container, to: service, containers)
            case ...58: modify(dice.pick(entries), of: service)
            case ...63: modifyOffPage(dice.pick(home), of: service)
            case ...70: rename(dice.pick(entries), of: service)
            case ...76: rename(dice.pick(containers), of: service)
            case ...84: move(dice.pick(entries), of: service, containers)
            case ...87: move(dice.pick(containers), of: service, containers)
            case ...93: delete(dice.pick(entries), of: service)
            case ...96: delete(dice.pick(containers), of: service)
            default: recreate(dice.pick(home), of: service)
            }
        if let what { note("in \(service.organization.name)'s directory: \(what)") }
    }

    private func add(_ kind: Entry.Kind, to service: SimulatedService, _ containers: [DirectoryTree.Node]) -> String? {
        names += 1
        // Names come again, in other containers and after deletions.
        let name = "\(kind == .container ? "unit" : "person") \(names % nameCount)"
        let node = DirectoryTree.Node(
            uuid: dice.uuid(), kind: kind, superior: superior(containers), name: Value(name),
            fields: kind == .container ? [:] : [.displayName: [Value(name)], .sn: [Value(name)]])
        return attempt("\(name) is added", service) { try $0.add(node) }
    }

    private func superior(_ containers: [DirectoryTree.Node]) -> DirectoryTree.Superior {
        if dice.chance(percent: 30) { return .homeBase }
        return dice.pick(containers).map { .node($0.uuid) } ?? .homeBase
    }

    /// Few values, so that an entry often becomes again what it was.
    private func modify(_ node: DirectoryTree.Node?, of service: SimulatedService) -> String? {
        guard var node else { return nil }
        node.fields[.title] = [Value("title \(dice.number(in: 1...3))")]
        if dice.chance(percent: 20) { node.fields[.title] = nil }
        return attempt("\(node.name) is modified", service) { try $0.replace(node) }
    }

    private func modifyOffPage(_ node: DirectoryTree.Node?, of service: SimulatedService) -> String? {
        guard var node else { return nil }
        node.employeeNumber += 1
        return attempt("\(node.name) is modified off the General page", service) { try $0.replace(node) }
    }

    private func rename(_ node: DirectoryTree.Node?, of service: SimulatedService) -> String? {
        guard var node else { return nil }
        let old = node.name
        node.name = Value("\(node.kind == .container ? "unit" : "person") \(dice.number(in: 0...nameCount - 1))")
        return attempt("\(old) becomes \(node.name)", service) { try $0.replace(node) }
    }

    private func move(
        _ node: DirectoryTree.Node?, of service: SimulatedService, _ containers: [DirectoryTree.Node]
    ) -> String? {
        guard var node else { return nil }
        node.superior = superior(containers)
        return attempt("\(node.name) is moved", service) { try $0.replace(node) }
    }

    private func delete(_ node: DirectoryTree.Node?, of service: SimulatedService) -> String? {
        guard let node else { return nil }
        return attempt("\(node.name) is deleted", service) { try $0.delete(node.uuid) }
    }

    private func recreate(_ node: DirectoryTree.Node?, of service: SimulatedService) -> String? {
        guard let node else { return nil }
        let again = DirectoryTree.Node(
            uuid: dice.uuid(), kind: node.kind, superior: node.superior, name: node.name, fields: node.fields)
        return attempt("\(node.name) is deleted and created again", service) { tree in
            try tree.delete(node.uuid)
            try tree.add(again)
        }
    }

    /// Nil if the server refuses it.
    private func attempt(
        _ what: String, _ service: SimulatedService, _ body: (inout DirectoryTree) throws -> Void
    ) -> String? {
        do {
            try service.directory.change(body)
            return what
        } catch {
            return nil
        }
    }
}
