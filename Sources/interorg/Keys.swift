import ArgumentParser
import Foundation
import InterOrgServices

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make this organization's key, show fingerprints, and trust the certificates of others.",
        discussion: "Example: interorg keys show --config /etc/interorg/branch-a.yaml",
        subcommands: [Create.self, Show.self, Trust.self, Distrust.self], defaultSubcommand: Show.self)

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key and a certificate for it.",
            discussion: """
                They go where exchange.identity of the configuration says. The certificate is for the other \
                organizations; read its fingerprint to them over the telephone. The key stays here.

                Example: interorg keys create --config /etc/interorg/branch-a.yaml
                """)

        @OptionGroup var common: CommonOptions

        @Option(
            parsing: .unconditional, help: "How many days the certificate is valid, \(KeyCreation.daysAllowed.text).")
        var days = 730

        @Option(
            help: ArgumentHelp(
                "Where to write the certificate instead, to renew a key beside one in use.", valueName: "file"))
        var certificate: String?

        @Option(help: ArgumentHelp("Where to write the key instead.", valueName: "file"))
        var key: String?

        @Flag(help: "Write over files that are there. Mail that is encrypted to the old key can no longer be read.")
        var replace = false

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard KeyCreation.daysAllowed.contains(days) else {
                throw ValidationError("--days takes a number, \(KeyCreation.daysAllowed.text).")
            }
            guard (certificate == nil) == (key == nil) else {
                throw ValidationError("--certificate and --key go together.")
            }
        }

        func run() throws {
            try reportingKeyFailures {
                let made = try KeyCreation.create(
                    common.load(keysMayBeMissing: true), certificateFile: certificate, keyFile: key, days: days,
                    isReplacing: replace, now: Date())
                if json { return try printJSON(made) }
                print("the key (keep it secret): \(made.keyFile)")
                print("the certificate (give it to the other organizations): \(made.certificateFile)")
                print(
                    "valid until \(KeyText.day(made.certificate.validUntil)), for \(KeyText.addresses(made.certificate))"
                )
                print("its fingerprint, to read over the telephone:\n")
                print(KeyText.fingerprint(made.certificate))
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show this organization's certificate and those of the others, with their fingerprints.",
            discussion: "Example: interorg keys show --config /etc/interorg/branch-a.yaml --json")

        @OptionGroup var common: CommonOptions

        @Flag(help: "Print JSON.")
        var json = false

        func run() throws {
            try reportingKeyFailures {
                let configuration = try common.load(keysMayBeMissing: true)
                let keys = configuration.keyReports(now: Date())
                if json { return try printJSON(keys) }
                if keys.isEmpty { print("there are no certificates yet; interorg keys create makes one") }
                for key in keys { print(KeyText.text(key)) }
                if !configuration.exchange.isSealed {
                    print("mail is neither signed nor encrypted: the configuration says insecure: true")
                }
                for warning in configuration.keyWarnings(now: Date()) { print("warning: \(warning)") }
            }
        }
    }

    struct Trust: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Trust a certificate of another organization, beside those that are trusted already.",
            discussion: """
                Shows the fingerprint and asks whether the organization has read out the same one. The certificate is \
                added to the file that the configuration names for the organization; a running service takes it after a \
                restart.

                Example: interorg keys trust branch-b branch-b.crt --config /etc/interorg/hq.yaml
                """)

        @OptionGroup var common: CommonOptions

        @Argument(help: "The organization's name.")
        var organization: String

        @Argument(help: ArgumentHelp("The certificate that it has sent, PEM or DER.", valueName: "file"))
        var file: String

        @Option(help: "The fingerprint that the organization has read out: then nothing is asked.")
        var fingerprint: String?

        func run() throws {
            try reportingKeyFailures {
                let trust = try KeyTrust(common.load(keysMayBeMissing: true), organization: organization)
                let candidate = try trust.candidate(in: file, now: Date())
                print(KeyText.text(candidate.report))
                if candidate.isTrusted { return print("it is trusted already") }
                try confirm(candidate)
                try trust.add(candidate, now: Date())
                print("trusted: it has been added to \(trust.file); a running service takes it after a restart")
            }
        }

        private func confirm(_ candidate: KeyTrust.Candidate) throws {
            if let fingerprint {
                guard candidate.has(fingerprint: fingerprint) else {
                    throw Failure(
                        .usage,
                        "the fingerprint is another one than that of \(file), which is not trusted: it has been "
                            + "exchanged on its way, or the fingerprint was misheard")
                }
                return
            }
            guard isatty(STDIN_FILENO) == 1 else {
                throw Failure(
                    .usage,
                    "there is no terminal to ask at: ask \(organization) to read out the fingerprint, and give it "
                        + "with --fingerprint")
            }
            print(
                "Has \(organization) read out this fingerprint, by another way than mail? Type yes to trust it: ",
                terminator: "")
            fflush(nil)
            guard readLine() == "yes" else { throw Failure(.usage, "\(file) is not trusted: it was not confirmed") }
        }
    }

    struct Distrust: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Trust a certificate of another organization no longer.",
            discussion: """
                For the old one, when the new one is in use. A running service goes by it after a restart.

                Example: interorg keys distrust branch-b "41F0 09AB" --config /etc/interorg/hq.yaml
                """)

        @OptionGroup var common: CommonOptions

        @Argument(help: "The organization's name.")
        var organization: String

        @Argument(help: "The certificate's fingerprint, or its first 8 or more digits.")
        var fingerprint: String

        func run() throws {
            try reportingKeyFailures {
                let trust = try KeyTrust(common.load(keysMayBeMissing: true), organization: organization)
                let removed = try trust.remove(fingerprint: fingerprint, now: Date())
                print(KeyText.text(removed))
                print("no longer trusted; a running service goes by that after a restart")
            }
        }
    }
}

/// Certificates for people.
enum KeyText {
    static func text(_ key: KeyReport) -> String {
        let days =
            switch key.state {
            case .expired: "expired \(-key.daysLeft) days ago"
            case .notYetValid: "not valid yet"
            case .expiring, .valid: "\(key.daysLeft) days left"
            }
        return """
            \(key.organization)\(key.isOwn ? " (this organization)" : "")
              certificate  \(key.subject), for \(addresses(key))
              valid        \(day(key.validFrom)) to \(day(key.validUntil)), \(days)
              fingerprint  \(fingerprint(key).replacingOccurrences(of: "\n", with: "\n               "))

            """
    }

    /// In two lines of eight groups.
    static func fingerprint(_ key: KeyReport) -> String {
        let groups = key.fingerprint.split(separator: " ")
        return groups.prefix(8).joined(separator: " ") + "\n" + groups.dropFirst(8).joined(separator: " ")
    }

    static func addresses(_ key: KeyReport) -> String {
        key.addresses.isEmpty ? "no mail address" : key.addresses.joined(separator: ", ")
    }

    static func day(_ date: Date) -> String { date.formatted(.iso8601.year().month().day()) }
}

extension ClosedRange<Int> {
    fileprivate var text: String { "from \(lowerBound) to \(upperBound)" }
}

/// For the commands that wait for nothing.
private func reportingKeyFailures(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch {
        throw Failure(error).reported()
    }
}
