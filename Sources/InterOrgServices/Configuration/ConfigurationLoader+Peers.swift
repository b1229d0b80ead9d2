import Foundation
import MailTransport
import StrictYAML

/// A peer with the place where the file describes it.
struct LocatedPeer {
    let peer: Configuration.Peer
    let value: YAMLValue
    /// The organizations that it receives entries of.
    let receives: [Located<String>]
}

/// Something with the place where the file says it.
struct Located<Value> {
    let value: Value
    let place: YAMLValue
}

extension ConfigurationLoader {
    /// Reports organizations that share a name, an ID or an address: each of them would take over the other's entries
    /// or mail. Names and addresses are compared without letter case, as directories and mail servers do.
    func checkDistinct(_ parties: ExchangeParties, ownName: String, ownID: UUID) {
        var holders: [Trait: String] = [:]
        for trait in traits(name: ownName, id: ownID, address: parties.exchange.address) {
            holders[trait] = "this organization"
        }
        for located in parties.peers {
            let peer = located.peer
            for trait in traits(name: peer.organization, id: peer.organizationID, address: peer.address) {
                if let holder = holders[trait] {
                    located.value.fail(
                        "\(trait.kind.rawValue) \"\(trait.value)\" is also that of \(holder); "
                            + "every organization of the exchange needs its own"
                    )
                }
                holders[trait] = "\"\(peer.organization)\" (\(located.value.place))"
            }
        }
    }

    /// Reports names that are those of no organization that entries could come from.
    func checkReceived(_ parties: ExchangeParties, ownName: String) {
        let known = Set([ownName] + parties.peers.map(\.peer.organization))
        for peer in parties.peers {
            for name in peer.receives {
                if name.value == peer.peer.organization {
                    name.place.fail(
                        "\"\(name.value)\" is this requestor itself; its own entries are never sent back to it")
                } else if !known.contains(name.value) {
                    name.place.fail(
                        "\"\(name.value)\" is neither this organization nor one of exchange.requestors"
                            + (SimilarName.find(for: name.value, among: known.sorted())
                                .map { "; did you mean \"\($0)\"?" } ?? "")
                    )
                }
            }
        }
    }

    /// Reports certificates that two organizations share: nobody could say which of them has signed.
    func checkDistinctCertificates(_ parties: ExchangeParties) {
        var holders: [Certificate: String] = [:]
        if case .sealed(let keys) = parties.exchange.protection, let own = keys.identity?.certificate {
            holders[own] = "this organization"
        }
        for located in parties.peers {
            for certificate in located.peer.certificates.all {
                if let holder = holders[certificate] {
                    located.value.fail(
                        "its certificate with the fingerprint \(certificate.fingerprint) is also that of \(holder); "
                            + "every organization of the exchange needs its own"
                    )
                }
                holders[certificate] = "\"\(located.peer.organization)\" (\(located.value.place))"
            }
        }
    }

    private func traits(name: String, id: UUID, address: String) -> [Trait] {
        [
            Trait(kind: .name, value: name.lowercased()),
            Trait(kind: .id, value: id.uuidString.lowercased()),
            Trait(kind: .address, value: address.lowercased()),
        ]
    }
}

/// Something that only one organization of an exchange may have.
private struct Trait: Hashable {
    enum Kind: String {
        case name = "the name"
        case id = "the organization ID"
        case address = "the address"
    }

    let kind: Kind
    let value: String
}
