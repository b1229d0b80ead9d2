import Foundation
import NIOCore
import NIOSSL
import Synchronization

/// The certificate and the key that a listener offers TLS with: PEM files.
public struct ListenerTLS: Sendable, Equatable {
    /// The certificate, with those of intermediate authorities after it.
    public var certificateFile: String
    /// Its private key.
    public var keyFile: String
    /// Whether mail is refused until TLS has begun (530).
    public var isRequired: Bool

    public init(certificateFile: String, keyFile: String, isRequired: Bool) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.isRequired = isRequired
    }
}

/// The certificate and key of a listener in use. Files that have been renewed are read again, without a restart.
final class ListenerTLSContext: Sendable {
    private struct Loaded {
        var context: NIOSSLContext
        var dates: [Date?]
    }

    private let files: ListenerTLS
    private let loaded: Mutex<Loaded>

    /// - Throws: `MailListenerError`, if the files cannot be used.
    init(_ files: ListenerTLS) throws {
        self.files = files
        do {
            loaded = Mutex(Loaded(context: try Self.load(files), dates: Self.dates(of: files)))
        } catch {
            throw MailListenerError(
                operation: "reading the certificate \(files.certificateFile) and its key \(files.keyFile)",
                detail: "\(error); check that both are PEM files and belong together")
        }
    }

    /// For one more connection. Renewed files that cannot be used are reported; the old ones then go on to be used.
    func current(reporting report: (String) -> Void) -> NIOSSLContext {
        loaded.withLock { loaded in
            let dates = Self.dates(of: files)
            guard dates != loaded.dates else { return loaded.context }
            loaded.dates = dates
            do {
                loaded.context = try Self.load(files)
            } catch {
                report("the renewed certificate \(files.certificateFile) or its key cannot be used: \(error)")
            }
            return loaded.context
        }
    }

    private static func load(_ files: ListenerTLS) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(files.certificateFile).map {
            NIOSSLCertificateSource.certificate($0)
        }
        let key = try NIOSSLPrivateKey(file: files.keyFile, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        return try NIOSSLContext(configuration: configuration)
    }

    private static func dates(of files: ListenerTLS) -> [Date?] {
        [files.certificateFile, files.keyFile].map { path in
            (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
        }
    }
}

/// What comes from a client.
enum ConnectionInput: Sendable {
    case bytes(ByteBuffer)
    /// From here on everything is encrypted; what came before was not, and counts for nothing.
    case secured
}

/// Begins TLS within a connection (RFC 3207): answers the command and puts TLS into the pipeline in one step, so that
/// nothing that was sent in the clear can be taken for a part of what is encrypted.
final class StartTLSHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ConnectionInput
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Tells this handler to begin.
    struct Event: Sendable {
        let context: NIOSSLContext
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(wrapInboundOut(.bytes(unwrapInboundIn(data))))
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let event = event as? Event else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: SMTPReply.readyForTLS.wireText)), promise: nil)
        do {
            try context.pipeline.syncOperations.addHandler(
                NIOSSLServerHandler(context: event.context), position: .first)
        } catch {
            promise?.fail(error)
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(wrapInboundOut(.secured))
        context.fireChannelReadComplete()
        promise?.succeed()
    }
}
