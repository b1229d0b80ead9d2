import AddressBook
import Foundation

/// What a receiver does with a range of a peer's log.
public enum RangeDecision: Hashable, Sendable {
    /// Nothing in it is new.
    case drop
    /// It continues what was received: the changes numbered above `above` are imported. `generation` is the full
    /// transfer that they count for, if any.
    case importAbove(Int64, generation: Generation?)
    /// Something before it is still on its way.
    case park(reason: String)
    /// It belongs to a history that the receiver does not share; the sender learns so from the position that the
    /// receiver states, and begins a full transfer.
    case unrelated
}

extension ChangeRange {
    /// Decides what to do with the range, given how far its stream has been received.
    ///
    /// Storing merely the largest number seen would turn one lost part into a permanent hole; the highest contiguous
    /// one cannot.
    ///
    /// - Parameters:
    ///   - line: the sender's log, as the message states it.
    ///   - hierarchy: for contents, how far the sender's hierarchy has been received.
    public func decision(
        line: IncarnationLine, position: ReceivedPosition?, hierarchy: ReceivedPosition?
    ) -> RangeDecision {
        let decision = continuation(line: line, position: position)
        guard case .importAbove = decision, let needed = needsHierarchy else { return decision }
        guard let hierarchy, line.continues(hierarchy, view: view), hierarchy.position.number >= needed else {
            return .park(reason: "the hierarchy up to \(needed) has not come yet")
        }
        return decision
    }

    private func continuation(line: IncarnationLine, position: ReceivedPosition?) -> RangeDecision {
        // More of this life is known than the sender had when it wrote this: the message is from before.
        if let known = position?.position, known.incarnation == line.current, known.number > line.highest {
            return .drop
        }
        guard let position, line.continues(position, view: view) else {
            guard let generation else { return .unrelated }
            if after == 0 { return .importAbove(0, generation: Generation(id: generation, highest: line.highest)) }
            return .park(reason: "the beginning of the full transfer has not come yet")
        }
        let number = position.position.number
        if let current = position.generation {
            if generation == current.id {
                let updated = Generation(id: current.id, highest: max(current.highest, line.highest))
                return inOrder(number, generation: updated)
            }
            // A part of no full transfer, or of another, says nothing about what is missing from this one.
            guard let generation, after == 0 else { return .drop }
            return .importAbove(0, generation: Generation(id: generation, highest: line.highest))
        }
        return inOrder(number, generation: nil)
    }

    private func inOrder(_ number: Int64, generation: Generation?) -> RangeDecision {
        let isEnd = generation != nil && end != nil && through == number
        if through <= number, !isEnd { return .drop }
        if after > number { return .park(reason: "the changes from \(number + 1) to \(after) have not come yet") }
        return .importAbove(number, generation: generation)
    }
}
