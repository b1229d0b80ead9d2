/// The base64 content transfer encoding (RFC 2045, section 6.8).
enum Base64 {
    private static let lineCharacters = 76
    private static let lineBytes = lineCharacters / 4 * 3
    private static let padding = UInt8(ascii: "=")
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static let notInAlphabet: UInt8 = 0xFF
    private static let whitespace: UInt8 = 0xFE

    /// For each byte its value from 0 to 63, or one of the two marks above.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: notInAlphabet, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        for character in " \t\r\n".utf8 { values[Int(character)] = whitespace }
        return values
    }()

    /// How many bytes `encodeLines` makes of `bytes` bytes.
    static func encodedBytes(_ bytes: Int) -> Int {
        let characters = (bytes + 2) / 3 * 4
        let lines = (characters + lineCharacters - 1) / lineCharacters
        return characters + lines * 2
    }

    /// Encodes `input` in lines of 76 characters, each ended by CRLF.
    static func encodeLines(_ input: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: encodedBytes(input.count)) { output, written in
            var next = 0
            func put(_ byte: UInt8) {
                output[next] = byte
                next += 1
            }
            input.withUnsafeBufferPointer { input in
                alphabet.withUnsafeBufferPointer { alphabet in
                    var lineStart = 0
                    while lineStart < input.count {
                        let lineEnd = min(lineStart + lineBytes, input.count)
                        for start in stride(from: lineStart, to: lineEnd, by: 3) {
                            let count = min(3, lineEnd - start)
                            let second = count > 1 ? input[start + 1] : 0
                            let third = count > 2 ? input[start + 2] : 0
                            put(alphabet[Int(input[start] >> 2)])
                            put(alphabet[Int((input[start] & 0x03) << 4 | second >> 4)])
                            put(count > 1 ? alphabet[Int((second & 0x0F) << 2 | third >> 6)] : padding)
                            put(count > 2 ? alphabet[Int(third & 0x3F)] : padding)
                        }
                        put(0x0D)
                        put(0x0A)
                        lineStart = lineEnd
                    }
                }
            }
            written = next
        }
    }

    /// Decodes `input`, whatever the length of its lines. Anything but base64, white space and the final padding is an
    /// error, so that damage is not taken for data.
    static func decode(_ input: ArraySlice<UInt8>) throws(MailFormatError) -> [UInt8] {
        var characters = 0
        var paddings = 0
        var stranger: UInt8?
        let decoded = [UInt8](unsafeUninitializedCapacity: input.count / 4 * 3 + 3) { output, written in
            var group: UInt32 = 0
            var next = 0
            func put(_ byte: UInt32) {
                output[next] = UInt8(truncatingIfNeeded: byte)
                next += 1
            }
            input.withUnsafeBufferPointer { input in
                values.withUnsafeBufferPointer { values in
                    for byte in input {
                        let value = values[Int(byte)]
                        if value < 64, paddings == 0 {
                            group = group << 6 | UInt32(value)
                            characters += 1
                            if characters & 3 == 0 {
                                put(group >> 16)
                                put(group >> 8)
                                put(group)
                            }
                        } else if byte == padding, paddings < 2 {
                            paddings += 1
                        } else if value != whitespace {
                            stranger = byte
                            return
                        }
                    }
                }
            }
            // The last two or three characters hold one or two bytes.
            if characters & 3 == 2 { put(group >> 4) }
            if characters & 3 == 3 {
                put(group >> 10)
                put(group >> 2)
            }
            written = next
        }
        try check(characters: characters, paddings: paddings, stranger: stranger)
        return decoded
    }

    private static func check(characters: Int, paddings: Int, stranger: UInt8?) throws(MailFormatError) {
        if let stranger {
            let place = paddings > 0 ? "after the end of" : "inside"
            throw MailFormatError(
                .malformed,
                "the byte \(stranger) stands \(place) the base64 body; a mail system on the way seems to add text to it"
            )
        }
        guard (characters + paddings) % 4 == 0, paddings == 0 || characters & 3 >= 2 else {
            throw MailFormatError(.truncated, "the base64 body is cut off after \(characters) characters")
        }
    }
}
