import AddressBook

/// Mail on its way. It may be lost, doubled, reordered and delayed.
struct SimulatedNetwork {
    struct Mail {
        var number: Int
        var sender: OrganizationID
        var recipient: OrganizationID
        var payload: [UInt8]
    }

    private(set) var underWay: [Mail] = []
    private var count = 0
    var isPerfect = false

    /// - Returns: the number that the mail is known by.
    mutating func accept(_ payload: [UInt8], from sender: OrganizationID, to recipient: OrganizationID) -> Int {
        count += 1
        underWay.append(Mail(number: count, sender: sender, recipient: recipient, payload: payload))
        return count
    }

    /// The next mail to be delivered: a perfect network keeps the order and loses nothing.
    mutating func next(_ dice: Dice) -> Mail? {
        guard !underWay.isEmpty else { return nil }
        if isPerfect { return underWay.removeFirst() }
        // Mostly in order: in a wholly random order, no exchange in several parts would ever get anywhere.
        let index = dice.chance(percent: 70) ? 0 : dice.number(in: 0...underWay.count - 1)
        if dice.chance(percent: 12) { return underWay[index] }
        let mail = underWay.remove(at: index)
        return dice.chance(percent: 12) ? nil : mail
    }

    /// The recipient could not take it; the sender's mail server tries again.
    mutating func comeBack(_ mail: Mail) { underWay.append(mail) }
}
