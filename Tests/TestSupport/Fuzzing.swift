import Foundation

/// Puts changed samples into a parser: it may refuse them, and must never crash.
///
/// Without `INTERORG_FUZZ_INPUTS` for a second each, with another seed every time (it is printed with a failure). With it,
/// that many inputs in all, of which each test takes its share: `scripts/test --fuzz 1000000`. The input that is just
/// being parsed stands in a file, which is left behind by a crash.
public struct Fuzzing {
    let name: String
    let samples: [[UInt8]]
    let dictionary: [[UInt8]]

    /// - Parameters:
    ///   - name: of the parser; the file of a crash is called so.
    ///   - samples: inputs that the parser takes, or once crashed at.
    ///   - dictionary: what inputs are made of.
    public init(_ name: String, samples: [[UInt8]], dictionary: [String]) {
        self.name = name
        self.samples = samples
        self.dictionary = dictionary.map { Array($0.utf8) }
    }

    /// Runs `parse` on the samples and then on what is made of them.
    ///
    /// - Parameter share: the part of all inputs that this test takes, in percent.
    /// - Returns: how many inputs there were.
    @discardableResult
    public func run(share: Int, _ parse: ([UInt8]) throws -> Void) throws -> Int {
        let environment = ProcessInfo.processInfo.environment
        let total = environment["INTERORG_FUZZ_INPUTS"].flatMap(Int.init).map { $0 * share / 100 }
        let seed = environment["INTERORG_FUZZ_SEED"].flatMap(UInt64.init) ?? .random(in: 0...UInt64.max)
        let note = try InputNote(path: "\(NSTemporaryDirectory())/interorg-fuzz-\(name)-\(seed)")
        defer { note.remove() }
        var mutator = Mutator(seed: seed, dictionary: dictionary)
        let end = ContinuousClock.now + .seconds(1)
        var count = 0
        while total.map({ count < $0 }) ?? (ContinuousClock.now < end) {
            let input = count < samples.count ? samples[count] : mutator.changed(samples)
            note.write(input)
            do {
                try parse(input)
            } catch let failure as TestSupportError {
                throw TestSupportError("\(name), seed \(seed), input \(count): \(failure)")
            } catch {
                // Refused, as it may be.
            }
            count += 1
        }
        print("fuzzing \(name): \(count) inputs, seed \(seed)")
        return count
    }
}

/// Makes inputs that are nearly right.
struct Mutator {
    private var state: UInt64
    private let dictionary: [[UInt8]]
    private static let bytesMax = 100_000
    private static let interesting: [UInt8] = [
        0, 1, 9, 10, 13, 32, 34, 45, 46, 48, 61, 63, 127, 128, 129, 130, 132, 255,
    ]

    init(seed: UInt64, dictionary: [[UInt8]]) {
        state = seed
        self.dictionary = dictionary
    }

    /// Sebastiano Vigna's SplitMix64.
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(next() % UInt64(bound)) }

    /// One of the samples with one to eight changes, most of them small.
    mutating func changed(_ samples: [[UInt8]]) -> [UInt8] {
        var input = samples[below(samples.count)]
        for _ in 0...below(8) { change(&input, samples) }
        return input.count > Self.bytesMax ? Array(input.prefix(Self.bytesMax)) : input
    }

    private mutating func change(_ input: inout [UInt8], _ samples: [[UInt8]]) {
        let place = below(input.count)
        switch below(9) {
        case 0 where !input.isEmpty: input[place] ^= 1 << UInt8(below(8))
        case 1 where !input.isEmpty: input[place] = Self.interesting[below(Self.interesting.count)]
        case 2 where !input.isEmpty: input[place] = UInt8(truncatingIfNeeded: next())
        case 3: input.removeSubrange(range(from: place, in: input, longest: 40))
        case 4: input.insert(contentsOf: input[range(from: below(input.count), in: input, longest: 200)], at: place)
        case 5: input.insert(contentsOf: token(), at: place)
        case 6: input.replaceSubrange(range(from: place, in: input, longest: 20), with: token())
        case 7 where below(8) == 0: input.removeLast(input.count - place)
        default:
            let other = samples[below(samples.count)]
            input.insert(contentsOf: other[range(from: below(other.count), in: other, longest: 400)], at: place)
        }
    }

    private mutating func range(from start: Int, in bytes: [UInt8], longest: Int) -> Range<Int> {
        start..<min(bytes.count, start + below(longest) + 1)
    }

    private mutating func token() -> [UInt8] {
        guard !dictionary.isEmpty, below(4) > 0 else {
            return (0...below(16)).map { _ in UInt8(truncatingIfNeeded: next()) }
        }
        return dictionary[below(dictionary.count)]
    }
}

/// The input that is being parsed, in a file: what a crash leaves behind.
private final class InputNote {
    private let descriptor: Int32
    private let path: String

    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw TestSupportError("cannot write \(path)") }
    }

    func write(_ input: [UInt8]) {
        ftruncate(descriptor, 0)
        _ = input.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    func remove() {
        close(descriptor)
        unlink(path)
    }
}
