import Foundation
import Synchronization

/// Sebastiano Vigna's SplitMix64: small, and the same on every machine for ever.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// All chance in a world. Each part of the world has dice of its own, so that one part's throws do not change
/// another's.
final class Dice: Sendable {
    private let generator: Mutex<SplitMix64>

    init(seed: UInt64) {
        generator = Mutex(SplitMix64(seed: seed))
    }

    func number(in range: ClosedRange<Int>) -> Int {
        generator.withLock { Int.random(in: range, using: &$0) }
    }

    func chance(percent: Int) -> Bool {
        number(in: 1...100) <= percent
    }

    /// Nil for an empty array.
    func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[number(in: 0...elements.count - 1)]
    }

    func uuid() -> UUID {
        let halves = generator.withLock { ($0.next(), $0.next()) }
        return withUnsafeBytes(of: halves) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }

    /// Dice for another part of the world.
    func split() -> Dice {
        Dice(seed: generator.withLock { $0.next() })
    }
}
