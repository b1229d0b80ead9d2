internal import CLDAP
import Glibc

/// A message of the server, decoded.
enum LDAPMessageContent {
    /// An event of a search, and roughly the size of its values.
    case event(LDAPSearchEvent, byteCount: Int)
    /// The end of an operation.
    case result(LDAPResult)
}

extension LDAPHandle {
    /// The next message that has arrived, with the ID of its request; nil when there is none yet. Does not wait.
    ///
    /// Throws when the connection is lost or the server sent something that is not LDAP.
    func receive() throws(LDAPError) -> (messageID: Int32, content: LDAPMessageContent)? {
        var now = timeval(tv_sec: 0, tv_usec: 0)
        var received: OpaquePointer?
        let type = ldap_result(ld, LDAP_RES_ANY, LDAP_MSG_ONE, &now, &received)
        guard type != 0 else { return nil }
        guard type > 0, let message = received else {
            throw connectionError(lastCode, lastMessage)
        }
        defer { ldap_msgfree(message) }
        let content: LDAPMessageContent
        // The tags' macros are casts, which Swift does not import; they are RFC 4511's application tags.
        switch type {
        case 0x64: content = try entry(message)
        case 0x73: content = .event(.reference(try references(message)), byteCount: 64)
        case 0x79: content = try intermediate(message)
        default: content = .result(try result(message, isExtended: type == 0x78))
        }
        return (ldap_msgid(message), content)
    }

    /// The error that all operations of a broken connection share.
    func connectionError(_ code: LDAPResultCode, _ message: String) -> LDAPError {
        LDAPError(code: code, operation: "receive", subject: url, diagnosticMessage: message)
    }

    private func decoded(_ code: Int32) throws(LDAPError) {
        guard code == LDAP_SUCCESS else {
            throw connectionError(.decodingError, "the server sent a message that cannot be decoded")
        }
    }

    private func entry(_ message: OpaquePointer) throws(LDAPError) -> LDAPMessageContent {
        // Reading the attributes uses up the message: the controls come first.
        var controls: UnsafeMutablePointer<UnsafeMutablePointer<ldapcontrol>?>?
        try decoded(ldap_get_entry_controls(ld, message, &controls))
        let takenControls = Self.taking(controls)
        var element: OpaquePointer?
        var dn = berval(bv_len: 0, bv_val: nil)
        try decoded(ldap_get_dn_ber(ld, message, &element, &dn))
        defer { ber_free(element, 0) }
        var entry = LDAPEntry(dn: String(decoding: dn.bytes, as: UTF8.self), attributes: [], controls: takenControls)
        entry.attributes.reserveCapacity(Self.attributesExpected)
        var byteCount = dn.bytes.count
        while true {
            var name = berval(bv_len: 0, bv_val: nil)
            var values: UnsafeMutablePointer<berval>?
            try decoded(ldap_get_attribute_ber(ld, message, element, &name, &values))
            guard name.bv_val != nil else { break }
            defer { ber_memfree(values) }
            let count = values.map(Self.count) ?? 0
            var attribute = LDAPAttribute(String(decoding: name.bytes, as: UTF8.self), [[UInt8]]())
            attribute.values.reserveCapacity(count)
            for value in UnsafeBufferPointer(start: values, count: count) {
                attribute.values.append(Array(value.bytes))
                byteCount += value.bytes.count
            }
            entry.attributes.append(attribute)
        }
        return .event(.entry(entry), byteCount: byteCount)
    }

    /// More than most entries have; one that has more takes a little longer.
    private static let attributesExpected = 24

    /// How many there are before the one without a value that ends the list.
    private static func count(_ values: UnsafeMutablePointer<berval>) -> Int {
        var count = 0
        while values[count].bv_val != nil { count += 1 }
        return count
    }

    private func references(_ message: OpaquePointer) throws(LDAPError) -> [String] {
        var urls: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        try decoded(ldap_parse_reference(ld, message, &urls, nil, 0))
        return Self.taking(urls)
    }

    private func intermediate(_ message: OpaquePointer) throws(LDAPError) -> LDAPMessageContent {
        var oid: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<berval>?
        var controls: UnsafeMutablePointer<UnsafeMutablePointer<ldapcontrol>?>?
        try decoded(ldap_parse_intermediate(ld, message, &oid, &data, &controls, 0))
        let value = Self.taking(data)
        let event = LDAPSearchEvent.intermediate(
            oid: Self.taking(oid) ?? "", value: value, controls: Self.taking(controls))
        return .event(event, byteCount: value?.count ?? 0)
    }

    private func result(_ message: OpaquePointer, isExtended: Bool) throws(LDAPError) -> LDAPResult {
        var code: Int32 = LDAP_SUCCESS
        var matchedDN: UnsafeMutablePointer<CChar>?
        var text: UnsafeMutablePointer<CChar>?
        var urls: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        var controls: UnsafeMutablePointer<UnsafeMutablePointer<ldapcontrol>?>?
        try decoded(ldap_parse_result(ld, message, &code, &matchedDN, &text, &urls, &controls, 0))
        var result = LDAPResult(
            code: LDAPResultCode(rawValue: code),
            matchedDN: Self.taking(matchedDN) ?? "",
            diagnosticMessage: Self.taking(text) ?? "",
            referrals: Self.taking(urls),
            controls: Self.taking(controls)
        )
        if isExtended {
            var oid: UnsafeMutablePointer<CChar>?
            var data: UnsafeMutablePointer<berval>?
            // Its own return value is the result's code on some paths, which has been read above.
            _ = ldap_parse_extended_result(ld, message, &oid, &data, 0)
            result.responseOID = Self.taking(oid)
            result.responseValue = Self.taking(data)
        }
        return result
    }

    // MARK: Taking what libldap allocated

    private static func taking(_ text: UnsafeMutablePointer<CChar>?) -> String? {
        guard let text else { return nil }
        defer { ldap_memfree(text) }
        return String(cString: text)
    }

    private static func taking(_ texts: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> [String] {
        guard let texts else { return [] }
        defer { ldap_memvfree(UnsafeMutableRawPointer(texts).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)) }
        var strings: [String] = []
        while let text = texts[strings.count] { strings.append(String(cString: text)) }
        return strings
    }

    private static func taking(_ value: UnsafeMutablePointer<berval>?) -> [UInt8]? {
        guard let value else { return nil }
        defer { ber_bvfree(value) }
        return Array(value.pointee.bytes)
    }

    private static func taking(
        _ controls: UnsafeMutablePointer<UnsafeMutablePointer<ldapcontrol>?>?
    ) -> [LDAPControl] {
        guard let controls else { return [] }
        defer { ldap_controls_free(controls) }
        var taken: [LDAPControl] = []
        while let control = controls[taken.count] {
            let value = control.pointee.ldctl_value
            taken.append(
                LDAPControl(
                    oid: String(cString: control.pointee.ldctl_oid),
                    isCritical: control.pointee.ldctl_iscritical != 0,
                    value: value.bv_val == nil ? nil : Array(value.bytes)
                ))
        }
        return taken
    }
}
