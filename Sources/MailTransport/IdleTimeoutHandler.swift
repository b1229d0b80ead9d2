import NIOCore

/// Closes a connection from which nothing has come for too long, after saying so.
///
/// While the service itself is at work the client has every right to be silent: send `Event.suspend` before and
/// `Event.resume` after.
final class IdleTimeoutHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the connection tells this handler.
    enum Event: Sendable {
        case suspend
        case resume
    }

    private let timeout: TimeAmount
    private var timer: Scheduled<Void>?
    private var isSuspended = false

    init(timeout: TimeAmount) {
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        restart(context: context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        restart(context: context)
        context.fireChannelRead(data)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let event = event as? Event else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        isSuspended = event == .suspend
        restart(context: context)
        promise?.succeed()
    }

    private func restart(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        guard !isSuspended else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [self] in
            let reply = ByteBuffer(string: SMTPReply.idle.wireText)
            context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
            context.close(promise: nil)
        }
    }
}
