import Foundation

@testable import MailTransport

/// When tests of certificates happen, unless a test says otherwise.
let testTime = Date(timeIntervalSince1970: 1_795_226_707)

/// One organization of an exchange of sealed mail.
struct Party {
    let id: UUID
    let name: String
    let address: MailAddress
    let identity: MailIdentity

    /// A party with a key and a certificate of its own.
    init(_ name: String, days: Int = 730, made: Date = testTime) throws {
        try self.init(name, identity: Self.identity(name, days: days, made: made))
    }

    init(_ name: String, identity: MailIdentity) {
        self.name = name
        self.identity = identity
        address = makeAddress("interorg@\(name).example")
        // The name decides, so that a party that has renewed its key stays the same one.
        let bytes = Array((name + "................").utf8.prefix(16))
        id = bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }

    static func identity(_ name: String, days: Int = 730, made: Date = testTime) throws -> MailIdentity {
        try .selfSigned(
            organization: name, address: makeAddress("interorg@\(name).example"), key: .makeP256(), days: days,
            now: made)
    }

    /// The same organization with a new key.
    func renewed(made: Date = testTime) throws -> Party {
        try Party(name, identity: Self.identity(name, made: made))
    }

    func peer(certificates: [Certificate]? = nil, cipher: ContentCipher? = nil) -> EnvelopePeer {
        EnvelopePeer(id: id, address: address, certificates: certificates ?? [identity.certificate], cipher: cipher)
    }

    /// The envelope of this organization, with these others.
    func envelope(
        _ peers: EnvelopePeer..., authority: CertificateAuthority? = nil, learned: LearnedCertificates? = nil,
        payloadBytesMax: Int = 16_000_000, now: Date = testTime
    ) -> SMIMEEnvelope {
        SMIMEEnvelope(
            id: id, identity: identity, peers: peers, authority: authority, learned: learned,
            payloadBytesMax: payloadBytesMax, now: { now })
    }
}

/// Why an envelope refuses; nil if it does not.
func refusal(_ body: () throws -> OpenedBody) throws -> EnvelopeError? {
    do {
        _ = try body()
        return nil
    } catch let error as EnvelopeError {
        return error
    }
}

/// A folder for files that goes with the test.
struct TemporaryFolder {
    let path: String

    static func with<Result>(_ body: (TemporaryFolder) throws -> Result) throws -> Result {
        let folder = TemporaryFolder(path: NSTemporaryDirectory() + "interorg-mail-" + UUID().uuidString)
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        return try body(folder)
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
    }

    func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

    func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: "\(path)/\(name)"))) }

    /// Runs the openssl of the machine here.
    func openssl(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: path, directoryHint: .isDirectory)
        process.standardOutput = FileHandle.nullDevice
        let said = Pipe()
        process.standardError = said
        try process.run()
        let words = said.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw OpenSSLCommandError(
                text: "openssl \(arguments.joined(separator: " ")): \(String(decoding: words, as: UTF8.self))")
        }
    }

    /// An identity that openssl has made: the files NAME.crt and NAME.key.
    func identity(_ name: String) throws -> MailIdentity {
        try MailIdentity(
            certificate: Certificate.all(in: read("\(name).crt"))[0], key: PrivateKey(pem: read("\(name).key")))
    }
}

struct OpenSSLCommandError: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}
