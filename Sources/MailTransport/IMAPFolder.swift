/// A folder of an IMAP account, as one connection uses it.
struct IMAPFolder {
    let connection: IMAPConnection
    /// As the server writes it.
    let name: String
    /// With another number, the server has given the UIDs anew (RFC 9051, section 2.3.1.1).
    let uidValidity: Int

    /// A mail in the folder.
    struct Message: Sendable, Equatable {
        var uid: Int
        var bytes: Int
        /// Somebody has deleted it, and it has not been removed yet.
        var isDeleted: Bool

        /// Takes `1 FETCH (UID 7 RFC822.SIZE 4048 FLAGS (\Seen))` after the `*`; nil for any other response.
        init?(_ response: IMAPResponse) {
            guard let text = response.text(after: "*"), text.uppercased().contains(" FETCH ("),
                let uid = response.number(after: "UID"), let bytes = response.number(after: "RFC822.SIZE")
            else { return nil }
            self.uid = uid
            self.bytes = bytes
            isDeleted = text.uppercased().contains("\\DELETED")
        }
    }

    /// Opens a folder for reading and changing.
    ///
    /// - Throws: `IMAPRefusal` if there is none with this name, and what `IMAPConnection.command` throws.
    static func select(_ name: String, on connection: IMAPConnection) async throws -> IMAPFolder {
        let validity = Collected<Int>()
        try await connection.command(
            "SELECT \(quoted(name))", what: "opening the folder \(name)",
            onResponse: { response in
                if let number = response.number(after: "[UIDVALIDITY") { validity.append(number) }
            })
        guard let number = validity.values.last else {
            throw MailboxError("the server does not say the UIDVALIDITY of the folder \(name)")
        }
        return IMAPFolder(connection: connection, name: name, uidValidity: number)
    }

    /// Every mail with its size; nothing of the mails themselves.
    func messages() async throws -> [Message] {
        let messages = Collected<Message>()
        try await connection.command(
            "UID FETCH 1:* (UID RFC822.SIZE FLAGS)", what: "listing the folder \(name)",
            onResponse: { if let message = Message($0) { messages.append(message) } })
        return messages.values.sorted { $0.uid < $1.uid }
    }

    /// A whole mail, without marking it as seen; nil if it is gone.
    func mail(_ uid: Int) async throws -> [UInt8]? {
        let literals = Collected<[UInt8]>()
        try await connection.command(
            "UID FETCH \(uid) (UID BODY.PEEK[])", what: "fetching message \(uid) of the folder \(name)",
            onResponse: { response in
                guard response.number(after: "UID") == uid, let literal = response.literal else { return }
                literals.append(literal)
            })
        return literals.values.last
    }

    /// Removes mails from the server.
    func delete(_ uids: [Int]) async throws {
        guard !uids.isEmpty else { return }
        let set = uids.map(String.init).joined(separator: ",")
        let what = "deleting from the folder \(name)"
        try await connection.command("UID STORE \(set) +FLAGS.SILENT (\\Deleted)", what: what)
        // Without UIDPLUS (RFC 4315) what others have marked as deleted goes, too.
        try await connection.command(
            connection.capabilities.contains("UIDPLUS") ? "UID EXPUNGE \(set)" : "EXPUNGE", what: what)
    }

    /// Moves a mail to another folder, which is made if it is not there.
    func move(_ uid: Int, to folder: String) async throws {
        do {
            try await moveToExisting(uid, folder)
        } catch let refusal as IMAPRefusal where refusal.answer.uppercased().contains("[TRYCREATE]") {
            try await connection.command("CREATE \(Self.quoted(folder))", what: "making the folder \(folder)")
            try await moveToExisting(uid, folder)
        }
    }

    private func moveToExisting(_ uid: Int, _ folder: String) async throws {
        let what = "moving message \(uid) to the folder \(folder)"
        if connection.capabilities.contains("MOVE") {
            try await connection.command("UID MOVE \(uid) \(Self.quoted(folder))", what: what)
        } else {
            try await connection.command("UID COPY \(uid) \(Self.quoted(folder))", what: what)
            try await delete([uid])
        }
    }

    /// A string as a command can hold it (RFC 9051, section 4.3).
    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
