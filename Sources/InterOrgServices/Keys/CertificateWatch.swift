import Foundation
import Logging
import ServiceLifecycle

/// Says in the log once a day which certificates end soon or have ended.
struct CertificateWatch: Service {
    let configuration: Configuration
    let logger: Logger
    let now: @Sendable () -> Date

    private static let pause = Duration.seconds(86_400)

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    for warning in configuration.keyWarnings(now: now()) { logger.warning("\(warning)") }
                    try await Task.sleep(for: Self.pause)
                }
            }
        } catch is CancellationError {
            // Stopped.
        }
    }
}
