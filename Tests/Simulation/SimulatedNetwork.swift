import AddressBook

/// Mail on its way. It may be lost, doubled, reordered, delayed, cut, changed, or sent again long after.
struct SimulatedNetwork {
    struct Mail {
        var number: Int
        var sender: OrganizationID
        var recipient: OrganizationID
        var payload: [UInt8]
        /// When it can be delivered at the earliest, in seconds of the world's clock.
        var due: Double
        /// It is not what was sent any more, so nobody may believe it.
        var isDamaged = false
    }

    private(set) var underWay: [Mail] = []
    /// Some of the mail that has been, for whoever sends it again.
    private var archive: [Mail] = []
    /// All of it, if it is recorded.
    private var recorded: [Mail] = []
    var records = false
    private var count = 0
    var isPerfect = false
    private(set) var tally = Tally()

    private static let archivedMax = 40

    /// - Returns: the number that the mail is known by.
    mutating func accept(
        _ payload: [UInt8], from sender: OrganizationID, to recipient: OrganizationID, now: Double, _ dice: Dice
    ) -> Int {
        count += 1
        var mail = Mail(number: count, sender: sender, recipient: recipient, payload: payload, due: now)
        if !isPerfect {
            keep(mail, dice)
            mail.due += delaySeconds(dice)
        }
        underWay.append(mail)
        if records { recorded.append(mail) }
        return count
    }

    /// Everything that has been recorded comes once more, in random order.
    ///
    /// - Returns: how many mails.
    mutating func replayRecorded(now: Double, _ dice: Dice) -> Int {
        let count = recorded.count
        while let mail = dice.pick(Array(recorded.indices)).map({ recorded.remove(at: $0) }) {
            comeBack(mail, due: now)
        }
        return count
    }

    private mutating func keep(_ mail: Mail, _ dice: Dice) {
        if archive.count < Self.archivedMax {
            archive.append(mail)
        } else if dice.chance(percent: 10) {
            archive[dice.number(in: 0...archive.count - 1)] = mail
        }
    }

    private mutating func delaySeconds(_ dice: Dice) -> Double {
        guard dice.chance(percent: 12) else { return 0 }
        tally.note(.delayed)
        // Minutes mostly, but a mail server may also be away for days.
        return Double(dice.chance(percent: 75) ? dice.number(in: 30...3_600) : dice.number(in: 3_600...400_000))
    }

    /// The next mail that can be delivered now: a perfect network keeps the order and loses nothing. A lost one has no
    /// recipient to be given to: nil.
    mutating func next(now: Double, _ dice: Dice) -> Mail? {
        let ready = underWay.indices.filter { underWay[$0].due <= now }
        guard let first = ready.first else { return nil }
        if isPerfect { return underWay.remove(at: first) }
        if dice.chance(percent: 2), let old = dice.pick(archive) {
            tally.note(.replayed)
            return damaged(old, dice)
        }
        // Mostly in order: in a wholly random order, no exchange in several parts would ever get anywhere.
        let index = dice.chance(percent: 70) ? first : ready[dice.number(in: 0...ready.count - 1)]
        if index != first { tally.note(.reordered) }
        if dice.chance(percent: 12) {
            tally.note(.doubled)
            return damaged(underWay[index], dice)
        }
        let mail = underWay.remove(at: index)
        guard !dice.chance(percent: 10) else {
            tally.note(.lost)
            return nil
        }
        return damaged(mail, dice)
    }

    /// Whether a mail can be delivered now.
    func hasReady(now: Double) -> Bool { underWay.contains { $0.due <= now } }

    /// The recipient could not take it; the sender's mail server tries again.
    mutating func comeBack(_ mail: Mail, due: Double) {
        var mail = mail
        mail.due = due
        underWay.append(mail)
    }

    mutating func noteFullMailbox() { tally.note(.mailboxFull) }

    private mutating func damaged(_ mail: Mail, _ dice: Dice) -> Mail {
        guard mail.payload.count > 2, dice.chance(percent: 5) else { return mail }
        var mail = mail
        mail.isDamaged = true
        if dice.chance(percent: 50) {
            tally.note(.cut)
            // A message that lacks only the line feed behind its end is whole.
            mail.payload.removeLast(dice.number(in: 2...mail.payload.count))
        } else {
            tally.note(.flipped)
            mail.payload[dice.number(in: 0...mail.payload.count - 1)] ^= 1 << UInt8(dice.number(in: 0...7))
        }
        return mail
    }
}
