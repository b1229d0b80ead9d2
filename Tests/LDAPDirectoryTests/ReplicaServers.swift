import Foundation
import TestSupport

/// Runs the body with a provider and a replica that follows it, and whose answer to a write is a referral to it.
func withReplica(
    isolation: isolated (any Actor)? = #isolation, _ body: (SlapdServer, SlapdServer) async throws -> Void
) async throws {
    try await withSlapd(.directory(.sessionLog)) { provider in
        try await withSlapd(.directory(.noSyncProvider)) { replica in
            await replica.stop()
            try await replica.reload(ldif: "")
            try await replica.restart(databaseLines: [
                await provider.consumerLine(replicaID: 1), "updateref \(await provider.url)",
            ])
            try await body(provider, replica)
        }
    }
}

extension SlapdServer {
    /// What makes another server follow this one (slapd.conf(5)).
    func consumerLine(replicaID: Int) -> String {
        "syncrepl rid=00\(replicaID) provider=\(url) type=refreshAndPersist retry=\"1 +\" searchbase=\"\(suffix)\" "
            + "bindmethod=simple binddn=\"\(rootDN)\" credentials=\(rootPassword)"
    }

    /// Waits until this server has everything that the other one has.
    func waitUntilAsFar(as other: SlapdServer) async throws {
        try await waitUntil("the replica is as far as its provider") {
            let wanted = try await other.contextCSN()
            return try await contextCSN() == wanted
        }
    }
}
