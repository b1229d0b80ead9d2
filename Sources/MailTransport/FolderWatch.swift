import Dispatch
import Foundation
import Glibc

/// Tells when files come into folders (inotify).
///
/// `@unchecked Sendable`: nothing changes after `init`, and a dispatch source may be cancelled on any thread.
final class FolderWatch: @unchecked Sendable {
    private let descriptor: Int32
    private let source: any DispatchSourceRead
    /// One element for what came together; ends with this object.
    let changes: AsyncStream<Void>

    /// - Returns: nil if the system has no more watches to give; then the folders have to be looked at.
    init?() {
        let descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { return nil }
        let (changes, change) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
        source.setEventHandler {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            // What came is looked for in the folders; here it only has to be taken out of the way.
            while read(descriptor, &buffer, buffer.count) > 0 {}
            change.yield()
        }
        source.setCancelHandler {
            close(descriptor)
            change.finish()
        }
        source.activate()
        self.descriptor = descriptor
        self.source = source
        self.changes = changes
    }

    deinit {
        source.cancel()
    }

    /// Watches a folder, if it is not watched already. Mail systems move a finished mail into it, or link it there.
    func add(_ folder: String) {
        let events = IN_MOVED_TO | IN_CREATE | IN_CLOSE_WRITE | IN_ONLYDIR
        _ = inotify_add_watch(descriptor, folder, UInt32(events))
    }
}
