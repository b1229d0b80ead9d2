import AddressBook

/// A text with `{name}` where a value goes; `{{` and `}}` are braces.
struct Template: Sendable {
    private enum Piece: Sendable {
        case text([UInt8])
        case value(SourceName)
    }

    private let pieces: [Piece]

    /// What it reads.
    var names: [SourceName] {
        pieces.compactMap { if case .value(let name) = $0 { name } else { nil } }
    }

    /// Why a text is no template, as a sentence about it.
    struct Failure: Error {
        let reason: String
    }

    /// A template of nothing but one value.
    init(single name: SourceName) {
        pieces = [.value(name)]
    }

    /// - Parameters:
    ///   - isConstantAllowed: whether it may be a text without values.
    ///   - name: what may stand in braces; it throws for anything else.
    init(
        _ text: String, isConstantAllowed: Bool = false, name: (String) throws(Failure) -> SourceName
    ) throws(Failure) {
        var pieces: [Piece] = []
        var literal = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            if character == "{" || character == "}", rest.first == character {
                literal.append(character)
                rest.removeFirst()
            } else if character == "{" {
                guard let end = rest.firstIndex(of: "}") else {
                    throw Failure(reason: "a \"{\" has no \"}\"; write \"{{\" for a brace as such")
                }
                if !literal.isEmpty { pieces.append(.text(Array(literal.utf8))) }
                literal = ""
                pieces.append(.value(try name(String(rest[..<end]))))
                rest = rest[rest.index(after: end)...]
            } else if character == "}" {
                throw Failure(reason: "a \"}\" has no \"{\"; write \"}}\" for a brace as such")
            } else {
                literal.append(character)
            }
        }
        if !literal.isEmpty { pieces.append(.text(Array(literal.utf8))) }
        self.pieces = pieces
        guard isConstantAllowed || !names.isEmpty else {
            throw Failure(reason: "nothing in it stands in braces, like {sn}; use \"constant\" for a text as such")
        }
    }

    /// The text with the first value of each name; nil if one has none.
    func value(in sources: SourceValues) -> Value? {
        var bytes: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .text(let text): bytes += text
            case .value(let name):
                guard let value = sources(name.key).first else { return nil }
                bytes += value.bytes
            }
        }
        return Value(bytes)
    }
}
