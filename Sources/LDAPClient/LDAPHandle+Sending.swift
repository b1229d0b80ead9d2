internal import CLDAP
import Glibc

extension LDAPHandle {
    /// Sends a request and returns its message ID.
    ///
    /// Throws when it cannot be encoded (a bad filter, a NUL in a name) or sent.
    func send(_ operation: LDAPOperation) throws(LDAPError) -> Int32 {
        arena.reset()
        var messageID: Int32 = -1
        let code: Int32
        // libldap reports a request that was written in part by this code alone, which may be an earlier one's.
        var success = LDAP_SUCCESS
        ldap_set_option(ld, LDAP_OPT_RESULT_CODE, &success)
        defer { isStuck = isStuck || lastCode == .busy }
        do {
            var controls = try arena.controls(operation.controls)
            code = try call(operation.request, &controls, &arena, &messageID)
        } catch {
            throw operation.error(.parameterError, "a name or filter has a NUL in it")
        }
        guard code == LDAP_SUCCESS else {
            throw operation.error(LDAPResultCode(rawValue: code), lastMessage)
        }
        return messageID
    }

    private func call(
        _ request: LDAPRequest,
        _ controls: inout UnsafeMutablePointer<UnsafeMutablePointer<ldapcontrol>?>?,
        _ arena: inout CArena,
        _ messageID: inout Int32
    ) throws(EmbeddedNUL) -> Int32 {
        switch request {
        case .add(let dn, let attributes):
            let values = try arena.attributes(attributes)
            return ldap_add_ext(ld, try arena.cString(dn), values, controls, nil, &messageID)
        case .modify(let dn, let modifications):
            let values = try arena.modifications(modifications)
            return ldap_modify_ext(ld, try arena.cString(dn), values, controls, nil, &messageID)
        case .rename(let dn, let newRDN, let deleteOldRDN, let newSuperior):
            var superior: UnsafeMutablePointer<CChar>?
            if let newSuperior { superior = try arena.cString(newSuperior) }
            return ldap_rename(
                ld, try arena.cString(dn), try arena.cString(newRDN), superior, deleteOldRDN ? 1 : 0, controls, nil,
                &messageID)
        case .delete(let dn):
            return ldap_delete_ext(ld, try arena.cString(dn), controls, nil, &messageID)
        case .compare(let dn, let attribute, let value):
            var assertion = arena.value(value)
            return ldap_compare_ext(
                ld, try arena.cString(dn), try arena.cString(attribute), &assertion, controls, nil, &messageID)
        case .extended(let oid, let value):
            var data: UnsafeMutablePointer<berval>?
            if let value { data = arena.pointer(to: arena.value(value)) }
            return ldap_extended_operation(ld, try arena.cString(oid), data, controls, nil, &messageID)
        case .search(let search):
            return try call(search, controls, &arena, &messageID)
        }
    }

    private func call(
        _ search: SearchRequest,
        _ controls: UnsafeMutablePointer<UnsafeMutablePointer<ldapcontrol>?>?,
        _ arena: inout CArena,
        _ messageID: inout Int32
    ) throws(EmbeddedNUL) -> Int32 {
        var names: [UnsafeMutablePointer<CChar>] = []
        for attribute in search.attributes { names.append(try arena.cString(attribute)) }
        // libldap takes zero for a mistake; no limit is no pointer.
        var limit = timeval(tv_sec: search.timeLimitSeconds, tv_usec: 0)
        return try withUnsafeMutablePointer(to: &limit) { pointer throws(EmbeddedNUL) in
            ldap_search_ext(
                ld, try arena.cString(search.base), search.scope.rawValue, try arena.cString(search.filter),
                names.isEmpty ? nil : arena.nullTerminated(names), 0, controls, nil,
                search.timeLimitSeconds > 0 ? pointer : nil, search.sizeLimit, &messageID)
        }
    }

    /// Tells the server, and libldap, that the answers to a request are not wanted.
    func abandon(messageID: Int32) {
        ldap_abandon_ext(ld, messageID, nil, nil)
    }
}

extension CArena {
    /// The controls as libldap takes them; nil for none.
    mutating func controls(
        _ controls: [LDAPControl]
    ) throws(EmbeddedNUL) -> UnsafeMutablePointer<UnsafeMutablePointer<ldapcontrol>?>? {
        guard !controls.isEmpty else { return nil }
        var pointers: [UnsafeMutablePointer<ldapcontrol>] = []
        for control in controls {
            let encoded = ldapcontrol(
                ldctl_oid: try cString(control.oid),
                ldctl_value: control.value.map { value($0) } ?? berval(bv_len: 0, bv_val: nil),
                ldctl_iscritical: control.isCritical ? 1 : 0
            )
            pointers.append(pointer(to: encoded))
        }
        return nullTerminated(pointers)
    }

    /// Attributes to add.
    mutating func attributes(
        _ attributes: [LDAPAttribute]
    ) throws(EmbeddedNUL) -> UnsafeMutablePointer<UnsafeMutablePointer<ldapmod>?> {
        let pointers = pointerList(of: ldapmod.self, count: attributes.count)
        for (index, attribute) in attributes.enumerated() {
            pointers[index] = try modification(LDAP_MOD_ADD, attribute.name, attribute.values)
        }
        return pointers
    }

    /// A list of modifications, as libldap takes them.
    mutating func modifications(
        _ modifications: [LDAPModification]
    ) throws(EmbeddedNUL) -> UnsafeMutablePointer<UnsafeMutablePointer<ldapmod>?> {
        let pointers = pointerList(of: ldapmod.self, count: modifications.count)
        for (index, modification) in modifications.enumerated() {
            pointers[index] = try self.modification(
                modification.operation.rawValue, modification.attribute, modification.values)
        }
        return pointers
    }

    private mutating func modification(
        _ operation: Int32, _ attribute: String, _ values: [[UInt8]]
    ) throws(EmbeddedNUL) -> UnsafeMutablePointer<ldapmod> {
        var list: UnsafeMutablePointer<UnsafeMutablePointer<berval>?>?
        if !values.isEmpty {
            let pointers = pointerList(of: berval.self, count: values.count)
            for (index, bytes) in values.enumerated() { pointers[index] = pointer(to: value(bytes)) }
            list = pointers
        }
        return pointer(
            to: ldapmod(
                mod_op: operation | LDAP_MOD_BVALUES, mod_type: try cString(attribute),
                mod_vals: .init(modv_bvals: list)))
    }
}
