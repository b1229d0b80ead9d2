import Foundation
import TestSupport
import Testing

@Suite("Keys", .serialized)
struct KeysTests {
    @Test("are exchanged by fingerprint, and by nothing less")
    func trust() async throws {
        try await withExchange(people: 0) { exchange in
            let (a, master) = (exchange.a, exchange.master)
            let certificate = "\(a.folder)/a.crt"
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(a.folder)/own.key")
            #expect(attributes[.posixPermissions] as? Int == 0o600)

            let again = try await a.command("keys", "create")
            #expect(again.status == 2 && again.errors.contains("is there already"))
            let known = try await master.command("keys", "trust", "a", certificate)
            #expect(known.status == 0 && known.output.contains("it is trusted already"))

            try await a.done("keys", "create", "--certificate", "\(a.folder)/new.crt", "--key", "\(a.folder)/new.key")
            let silent = try await master.command("keys", "trust", "a", "\(a.folder)/new.crt")
            #expect(silent.status == 2 && silent.errors.contains("--fingerprint"))
            let wrong = String(repeating: "AB12 ", count: 16)
            let refused = try await master.command("keys", "trust", "a", "\(a.folder)/new.crt", "--fingerprint", wrong)
            #expect(refused.status == 2 && refused.errors.contains("the fingerprint is another one"))
            let text = try await master.done("keys")
            #expect(text.contains("hq (this organization)") && text.contains("CN=a, for interorg@a.example"))
            #expect(text.components(separatedBy: "fingerprint").count == 4)
        }
    }

    @Test("can be renewed without a gap", .timeLimit(.minutes(10)))
    func rollover() async throws {
        try await withExchange(people: 4) { exchange in
            try exchange.start()
            try await exchange.converge()
            let (a, master) = (exchange.a, exchange.master)

            // The new key beside the old one; the master trusts both; then the new one is used; then the old one goes.
            try await a.done("keys", "create", "--certificate", "\(a.folder)/new.crt", "--key", "\(a.folder)/new.key")
            let fingerprint = try await openSSLFingerprint("\(a.folder)/new.crt", folder: a.folder)
            try await master.done("keys", "trust", "a", "\(a.folder)/new.crt", "--fingerprint", fingerprint)
            await master.end(signal: SIGTERM)
            try master.start()
            try await a.withDirectory { try await $0.addPerson("between", in: a.exportBase, title: "Between") }
            try await exchange.converge()

            try a.reconfigure("certificate: a.crt, key: own.key", "certificate: new.crt, key: new.key")
            await a.end(signal: SIGTERM)
            try a.start()
            try await a.withDirectory { try await $0.addPerson("renewed", in: a.exportBase, title: "Renewed") }
            try await exchange.converge()

            let old = try await openSSLFingerprint("\(a.folder)/a.crt", folder: a.folder)
            try await master.done("keys", "distrust", "a", old)
            await master.end(signal: SIGTERM)
            try master.start()
            try await a.withDirectory { try await $0.addPerson("after", in: a.exportBase, title: "After") }
            try await exchange.converge()
            for organization in exchange.organizations {
                #expect(try await organization.command("status").output.contains("refused mail") == false)
            }
        }
    }

    @Test("of an organization that is not trusted open nothing, and status says so")
    func untrusted() async throws {
        try await withExchange(people: 2) { exchange in
            let (b, master) = (exchange.b, exchange.master)
            try await b.done("keys", "create", "--replace")
            try exchange.start()
            try await waitUntil("the master refuses the mail of b") {
                // Before its first start a service has no status.
                guard let status = try? await master.command("status", "--json").json() else { return false }
                let reasons = (status["refusedMails"] as? [[String: Any]] ?? []).compactMap { $0["reason"] as? String }
                return reasons.contains { $0.contains("interorg@b.example") && $0.contains("is not trusted") }
            }
            #expect(try await exchange.addressBook(of: b, in: master) == [])
        }
    }

    @Test("may be certified by an authority: then the master learns those of its requestors", .timeLimit(.minutes(10)))
    func authority() async throws {
        try await withExchange(people: 4) { exchange in
            let master = exchange.master
            try await TestCertificates.makeCA("ca", in: master.folder)
            for organization in exchange.organizations {
                try await TestCertificates.sign(
                    organization.name, subject: organization.name, names: ["email:\(organization.address)"],
                    in: master.folder)
                for (from, to) in [("key", "own.key"), ("crt", organization.certificateFile)] {
                    let file = "\(master.folder)/\(organization.name).\(from)"
                    try organization.write(String(contentsOfFile: file, encoding: .utf8), to: to)
                }
                try organization.write(String(contentsOfFile: "\(master.folder)/ca.crt", encoding: .utf8), to: "ca.pem")
                try organization.reconfigure("  identity:", "  authority: ca.pem\n  identity:")
            }
            for requestor in [exchange.a, exchange.b] {
                let certificate = try String(contentsOfFile: "\(master.folder)/hq.crt", encoding: .utf8)
                try requestor.write(certificate, to: "hq.crt")
                try master.reconfigure(", certificate: \(requestor.certificateFile),", ",")
            }
            try exchange.start()
            try await exchange.converge()

            // What it has learned outlives it: the change of b goes to a before a has said anything.
            await master.end(signal: SIGKILL)
            try master.start()
            try await exchange.b.withDirectory {
                try await $0.addPerson("later", in: exchange.b.exportBase, title: "Later")
            }
            try await exchange.converge()
            let learned = try FileManager.default.subpathsOfDirectory(atPath: "\(master.folder)/state/certificates")
            #expect(learned.filter { $0.hasSuffix(".pem") }.count == 2)
        }
    }

    @Test("that end soon are warned of in status and in the log")
    func expiring() async throws {
        try await withExchange(people: 0) { exchange in
            let a = exchange.a
            try await a.done("keys", "create", "--replace", "--days", "20")
            try a.start()
            try await waitUntil("the log warns") { a.log.contains("our own certificate expires in 19 days") }
            try await waitUntil("the service has a state") {
                try await a.command("status").output.contains("a (requestor)")
            }
            let status = try await a.command("status")
            #expect(status.output.contains("warning: our own certificate expires in 19 days"))
            let json = try await a.command("status", "--json").json()
            #expect((json["keyWarnings"] as? [String])?.count == 1 && json["isSealed"] as? Bool == true)
            #expect(try await a.command("check").output.contains("warning: our own certificate expires in 19 days"))
        }
    }

    private func openSSLFingerprint(_ file: String, folder: String) async throws -> String {
        let child = try ChildProcess(
            "/usr/bin/openssl", ["x509", "-in", file, "-noout", "-fingerprint", "-sha256"],
            output: "\(folder)/fingerprint")
        guard await child.wait() == 0 else { throw TestSupportError("openssl cannot read \(file)") }
        let said = try String(contentsOfFile: "\(folder)/fingerprint", encoding: .utf8)
        return said.split(separator: "=").last?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    }
}
