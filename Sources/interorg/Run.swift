import ArgumentParser
import InterOrgServices
import Logging

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve until stopped: synchronize on the schedule and handle mail as it comes.",
        discussion: "Example: interorg run --config /etc/interorg/branch-a.yaml")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Log every cycle and every mail.")
    var verbose = false

    func run() async throws {
        try await reportingFailures {
            let logger = makeLogger(verbose ? .debug : .info)
            try await InterOrgService(common.load(), auditsAtStart: true, logger: logger).run()
        }
    }
}

/// One line an event, on standard error.
func makeLogger(_ level: Logger.Level) -> Logger {
    var logger = Logger(label: "interorg") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = level
    return logger
}
