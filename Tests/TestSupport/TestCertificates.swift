import Foundation

/// Makes a CA and a server's certificate signed by it, with openssl.
enum TestCertificates {
    /// Writes `ca.crt`, `ca.key`, `server.crt` and `server.key` into the folder.
    static func make(names: [String], in folder: String) async throws {
        func path(_ name: String) -> String { "\(folder)/\(name)" }
        func openssl(_ arguments: [String]) async throws {
            try await runCommand("/usr/bin/openssl", arguments, logFolder: folder)
        }
        let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        try await openssl(
            ["req", "-x509"] + newKey + [
                "-keyout", path("ca.key"), "-out", path("ca.crt"), "-subj", "/CN=Test CA", "-days", "2",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            ])
        try await openssl(
            ["req"] + newKey + [
                "-keyout", path("server.key"), "-out", path("server.csr"), "-subj", "/CN=Test server",
            ])
        try "subjectAltName=\(names.joined(separator: ","))\n"
            .write(toFile: path("server.ext"), atomically: true, encoding: .utf8)
        try await openssl([
            "x509", "-req", "-in", path("server.csr"), "-CA", path("ca.crt"), "-CAkey", path("ca.key"),
            "-CAcreateserial", "-out", path("server.crt"), "-days", "2", "-extfile", path("server.ext"),
        ])
    }
}
