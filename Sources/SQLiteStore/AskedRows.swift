import AddressBook
import Foundation
import GRDB

/// What a statement asks for many keys at once: one statement for a batch costs a fraction of one for each entry.
enum Asked {
    /// A table `asked (organization, uuid)` for the beginning of a statement, made of ``list(of:)`` as `:entries`.
    static let entries = """
        WITH RECURSIVE asked (next, organization, uuid) AS (
            SELECT 32, substr(:entries, 1, 16), substr(:entries, 17, 16) WHERE length(:entries) > 0
            UNION ALL
            SELECT next + 32, substr(:entries, next + 1, 16), substr(:entries, next + 17, 16) FROM asked
            WHERE next < length(:entries))
        """

    /// 32 bytes for each: organization and entryUUID.
    static func list(of ids: some Collection<EntryID>) -> Data {
        var list = Data(capacity: ids.count * 32)
        for id in ids {
            withUnsafeBytes(of: id.organization.uuid.uuid) { list.append(contentsOf: $0) }
            withUnsafeBytes(of: id.uuid.uuid) { list.append(contentsOf: $0) }
        }
        return list
    }

    /// A JSON array, for `json_each`.
    static func list(of hashes: [Int64]) -> String { "[" + hashes.map(String.init).joined(separator: ",") + "]" }
}
