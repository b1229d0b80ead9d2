import Foundation

/// Makes a CA and certificates signed by it, with openssl.
public enum TestCertificates {
    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    /// Writes `ca.crt`, `ca.key`, `server.crt` and `server.key` into the folder, and a `.crt` and a `.key` for each
    /// client.
    ///
    /// - Parameter names: of the server, as OpenSSL writes them: `DNS:localhost`, `IP:127.0.0.1`.
    public static func make(names: [String], clients: [String] = [], in folder: String) async throws {
        try await makeCA("ca", in: folder)
        try await sign("server", subject: "Test server", names: names, in: folder)
        for client in clients { try await sign(client, subject: client, names: ["email:client@test"], in: folder) }
    }

    /// Writes `<name>.crt` and `<name>.key` of a CA that nobody knows yet.
    public static func makeCA(_ name: String, in folder: String) async throws {
        try await openssl(
            ["req", "-x509"] + newKey + [
                "-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).crt", "-subj", "/CN=Test CA", "-days",
                "2",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            ], in: folder)
    }

    /// Writes `<file>.crt` and `<file>.key`, signed by the CA `ca` of the folder, with these names such as `email:a@b`.
    public static func sign(_ file: String, subject: String, names: [String], in folder: String) async throws {
        func path(_ name: String) -> String { "\(folder)/\(name)" }
        try await openssl(
            ["req"] + newKey + [
                "-keyout", path("\(file).key"), "-out", path("\(file).csr"), "-subj", "/CN=\(subject)",
            ],
            in: folder)
        try "subjectAltName=\(names.joined(separator: ","))\n"
            .write(toFile: path("\(file).ext"), atomically: true, encoding: .utf8)
        try await openssl(
            [
                "x509", "-req", "-in", path("\(file).csr"), "-CA", path("ca.crt"), "-CAkey", path("ca.key"),
                "-CAcreateserial", "-out", path("\(file).crt"), "-days", "2", "-extfile", path("\(file).ext"),
            ], in: folder)
    }

    private static func openssl(_ arguments: [String], in folder: String) async throws {
        try await runCommand("/usr/bin/openssl", arguments, logFolder: folder)
    }
}
