import Foundation
import StrictYAML

extension YAMLValue {
    /// The longest password, in bytes.
    private static let secretBytesMax = 4_096

    /// A path, made absolute: a relative one starts at the folder of the configuration file.
    func path() -> String? {
        text().map { URL(filePath: $0, relativeTo: URL(filePath: context.folder, directoryHint: .isDirectory)) }
            .map { $0.absoluteURL.standardizedFileURL.path(percentEncoded: false) }
            .map { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    }

    /// The path of a folder that exists or can still be made: nothing else may have its name.
    func folderPath() -> String? {
        guard let path = path() else { return nil }
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
            fail("\(path) is not a folder; name a folder, which is made if it does not exist")
            return nil
        }
        return path
    }

    /// The path of a file that can be read now.
    func readableFilePath() -> String? {
        guard let path = path() else { return nil }
        do throws(SmallFile.Failure) {
            _ = try SmallFile.read(path, bytesMax: 16_000_000)
            return path
        } catch {
            fail("the file \(path) cannot be read: \(error.reason)")
            return nil
        }
    }

    /// The path of a file with a key in it: it can be read now, and not by everybody.
    func privateFilePath() -> String? {
        guard let path = path() else { return nil }
        do throws(SmallFile.Failure) {
            let file = try SmallFile.read(path, bytesMax: 16_000_000)
            // Its group may: keys are often shared so, between the services of a machine.
            guard file.permissions & 0o007 == 0 else {
                let mode = String(file.permissions, radix: 8)
                fail("the file \(path) has a key in it and is open to everybody (mode 0\(mode)); run chmod 600 \(path)")
                return nil
            }
            return path
        } catch {
            fail("the file \(path) cannot be read: \(error.reason)")
            return nil
        }
    }

    /// The password in a file that only its owner may read.
    ///
    /// Problems do not show what the file has, nor the path unless it is one: people do write a password in its place.
    func secretInFile() -> Secret? {
        guard let path = path() else { return nil }
        let file: SmallFile
        do throws(SmallFile.Failure) {
            file = try SmallFile.read(path, bytesMax: Self.secretBytesMax)
        } catch {
            fail(
                "the password file named here cannot be read: \(error.reason) "
                    + "(a relative path starts at the folder of the configuration file)"
            )
            return nil
        }
        guard file.permissions & 0o077 == 0 else {
            let mode = String(file.permissions, radix: 8)
            fail("the password file \(path) is open to others than its owner (mode 0\(mode)); run chmod 600 \(path)")
            return nil
        }
        guard let text = String(validating: file.bytes, as: UTF8.self) else {
            fail("the password file named here is not UTF-8 text")
            return nil
        }
        return secret(text, source: "the password file named here")
    }

    /// The password in an environment variable. Problems do not show the variable's name, for the same reason.
    func secretInEnvironment() -> Secret? {
        guard let name = text() else { return nil }
        guard name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil else {
            fail("expected the name of an environment variable: letters, digits and \"_\", like LDAP_PASSWORD")
            return nil
        }
        guard let text = context.environment[name] else {
            fail("the environment variable named here is not set; set it for the service, or use passwordFile")
            return nil
        }
        return secret(text, source: "the environment variable named here")
    }

    private func secret(_ text: String, source: String) -> Secret? {
        var scalars = Substring(text).unicodeScalars
        if scalars.last == "\n" { scalars.removeLast() }
        if scalars.last == "\r" { scalars.removeLast() }
        guard !scalars.isEmpty else {
            fail("\(source) is empty; an empty password is not allowed")
            return nil
        }
        guard !scalars.contains(where: { ["\n", "\r", "\0"].contains($0) }) else {
            fail("\(source) has more than one line; expected the password alone")
            return nil
        }
        return Secret(String(scalars))
    }
}

extension YAMLSection {
    /// The password of a section, from a file or from the environment. Nil if the section has neither; more than one
    /// is reported.
    func password(file: Key, environment: Key) -> Secret? {
        guard self[file] != nil || self[environment] != nil else { return nil }
        guard let source = exactlyOne(of: [file, environment]) else { return nil }
        return source.key == file ? source.value.secretInFile() : source.value.secretInEnvironment()
    }
}
