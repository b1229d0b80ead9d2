internal import CLDAP

/// Helpers for search filters (RFC 4515).
public enum LDAPFilter {
    /// A value as it may stand in a filter: every byte that means something there, or is not ASCII, is escaped.
    public static func escape(_ bytes: [UInt8]) -> String {
        guard !bytes.isEmpty else { return "" }
        var input = bytes
        return input.withUnsafeMutableBytes { buffer in
            var source = berval(
                bv_len: ber_len_t(buffer.count),
                bv_val: buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            )
            var escaped = berval(bv_len: 0, bv_val: nil)
            // It fails only for want of memory; escaping every byte is then right as well, only longer.
            guard ldap_bv2escaped_filter_value(&source, &escaped) == 0 else { return escapeEveryByte(bytes) }
            defer {
                if escaped.bv_val != source.bv_val { ldap_memfree(escaped.bv_val) }
            }
            return String(decoding: escaped.bytes, as: UTF8.self)
        }
    }

    /// A text as it may stand in a filter.
    public static func escape(_ text: String) -> String {
        escape(Array(text.utf8))
    }

    private static func escapeEveryByte(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return bytes.map { "\\\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }.joined()
    }
}
