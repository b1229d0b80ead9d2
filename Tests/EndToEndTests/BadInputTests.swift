import Foundation
import LDAPClient
import TestSupport
import Testing

@Suite("Bad input to the service", .serialized)
struct BadInputTests {
    @Test("in the configuration is refused with file, line and key")
    func wrongKey() async throws {
        try await withExchange(people: 0) { exchange in
            try exchange.a.reconfigure("mapping: inetOrgPerson", "maping: inetOrgPerson")
            for command in ["run", "sync", "status", "problems"] {
                let result = try await exchange.a.command(command)
                #expect(result.status == 2)
                #expect(result.errors.contains("\(exchange.a.configurationPath):9:"))
                #expect(result.errors.contains("maping"))
            }
        }
    }

    @Test("that is no file, or a missing option, is wrong use")
    func noFile() async throws {
        try await withExchange(people: 0) { exchange in
            let missing = try await InterOrgCommand.run(
                ["status", "--config", "/nowhere/interorg.yaml"], folder: exchange.a.folder)
            #expect(missing.status == 2)
            #expect(missing.errors.contains("/nowhere/interorg.yaml"))
        }
    }

    @Test(
        "a server that cannot be reached is named, and found again when it is back, however long the schedule waits",
        .timeLimit(.minutes(10)))
    func unreachableServer() async throws {
        try await withExchange(people: 4, every: "1d") { exchange in
            for organization in [exchange.a, exchange.b] { await organization.server.stop() }
            async let once = exchange.b.command("sync", "--wait", "0")
            for organization in [exchange.master, exchange.a] { try organization.start() }
            try await waitUntil("the cycle of the schedule has failed") {
                exchange.a.log.contains("export the directory:")
            }
            let result = try await once
            #expect(result.status == 3)
            #expect(result.errors.contains(await exchange.b.server.url))

            #expect(exchange.a.isRunning)
            try await exchange.a.server.restart()
            try await waitUntil("master and requestor show each other's entries") {
                let a = try await exchange.addressBook(of: exchange.a, in: exchange.a)
                let master = try await exchange.addressBook(of: exchange.master, in: exchange.master)
                let hasSent = try await exchange.addressBook(of: exchange.a, in: exchange.master) == a
                return try await exchange.addressBook(of: exchange.master, in: exchange.a) == master && hasSent
            }
            #expect(exchange.a.log.components(separatedBy: " error ").count < 5, "\(exchange.a.log)")
        }
    }

    @Test("a refused bind is told with the bind DN and what to check")
    func refusedBind() async throws {
        try await withExchange(people: 1) { exchange in
            try exchange.a.write("wrong\n", to: "ldap.secret")
            let result = try await exchange.a.command("sync", "--wait", "0")
            #expect(result.status != 0)
            #expect(result.errors.contains("invalidCredentials"))
            #expect(result.errors.contains("check the bind DN and its password"))
            #expect(!result.errors.contains("wrong"))
        }
    }

    @Test("a base that is missing is named, and the other direction goes on", .timeLimit(.minutes(10)))
    func missingBases() async throws {
        try await withExchange(people: 4) { exchange in
            try exchange.a.reconfigure("ou=people,dc=a", "ou=nowhere,dc=a")
            try exchange.b.reconfigure("import: { base: \"ou=interorg,dc=b\" }", "import: { base: \"ou=none,dc=b\" }")
            try exchange.start()
            try await waitUntil("the services have said so") {
                exchange.a.log.contains("ou=nowhere,dc=a") && exchange.b.log.contains("ou=none,dc=b")
            }
            try await waitUntil("what the second requestor exports has come") {
                let home = try await exchange.addressBook(of: exchange.b, in: exchange.b)
                return try await exchange.addressBook(of: exchange.b, in: exchange.a) == home
            }
            #expect(exchange.organizations.filter { !$0.isRunning }.map(\.name) == [])
        }
    }

    @Test("a second service on the same state folder is refused, and the first one ends well on SIGTERM")
    func secondService() async throws {
        try await withExchange(people: 1) { exchange in
            try exchange.a.start()
            try await waitUntil("the service is running") {
                FileManager.default.fileExists(atPath: "\(exchange.a.folder)/state/control.sock")
            }
            let second = try await exchange.a.command("run")
            #expect(second.status == 2)
            #expect(second.errors.contains("another interorg process is using the state folder"))
            #expect(exchange.a.isRunning)
            #expect(await exchange.a.end(signal: SIGTERM) == 0)
        }
    }

    @Test("the status of a service that has never run says so")
    func neverRun() async throws {
        try await withExchange(people: 0) { exchange in
            let result = try await exchange.a.command("status")
            #expect(result.status == 2)
            #expect(result.errors.contains("the service has never run"))
        }
    }
}
