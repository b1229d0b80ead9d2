internal import CLDAP
import Glibc

/// Memory for the C structures of one libldap call: made in one go, gone together with the arena.
///
/// libldap encodes a request before the call returns, so nothing has to outlive it.
struct CArena: ~Copyable {
    private var blocks: [UnsafeMutableRawBufferPointer] = []
    private var next: UnsafeMutableRawPointer?
    private var remaining = 0
    private let blockBytes: Int

    /// - Parameter blockBytes: how much memory is taken at a time.
    init(blockBytes: Int = 16 * 1024) {
        self.blockBytes = blockBytes
    }

    deinit {
        for block in blocks { block.deallocate() }
    }

    /// Gives up all that was made, and keeps a block for what comes next.
    mutating func reset() {
        // One that was made for a large value is not kept.
        let kept = blocks.firstIndex { $0.count == blockBytes }
        for (index, block) in blocks.enumerated() where index != kept { block.deallocate() }
        blocks = kept.map { [blocks[$0]] } ?? []
        next = blocks.first?.baseAddress
        remaining = blocks.first?.count ?? 0
    }

    private mutating func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
        let rounded = (byteCount + 15) & ~15
        if let start = next, rounded <= remaining {
            next = start + rounded
            remaining -= rounded
            return start
        }
        let size = max(rounded, blockBytes)
        let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        blocks.append(UnsafeMutableRawBufferPointer(start: block, count: size))
        // A large value gets a block of its own, and the rest of the current block stays in use.
        if size - rounded > remaining {
            next = block + rounded
            remaining = size - rounded
        }
        return block
    }

    /// A copy of the bytes with a NUL after them; the pointer is valid for no bytes, too.
    private mutating func copy(_ bytes: some Collection<UInt8>) -> UnsafeMutablePointer<CChar> {
        let count = bytes.count
        let memory = allocate(byteCount: count + 1)
        UnsafeMutableRawBufferPointer(start: memory, count: count).copyBytes(from: bytes)
        memory.storeBytes(of: 0, toByteOffset: count, as: UInt8.self)
        return memory.bindMemory(to: CChar.self, capacity: count + 1)
    }

    /// A C string. Throws ``EmbeddedNUL`` for text that C would see cut short.
    mutating func cString(_ text: String) throws(EmbeddedNUL) -> UnsafeMutablePointer<CChar> {
        guard !text.utf8.contains(0) else { throw EmbeddedNUL() }
        return copy(text.utf8)
    }

    /// A value with its length; any bytes are allowed.
    mutating func value(_ bytes: [UInt8]) -> berval {
        berval(bv_len: ber_len_t(bytes.count), bv_val: copy(bytes))
    }

    /// The element at an address of its own.
    mutating func pointer<T>(to element: T) -> UnsafeMutablePointer<T> {
        let memory = allocate(byteCount: MemoryLayout<T>.stride).bindMemory(to: T.self, capacity: 1)
        memory.initialize(to: element)
        return memory
    }

    /// Pointers in a row, NULL after the last.
    mutating func nullTerminated<T>(
        _ elements: [UnsafeMutablePointer<T>]
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<T>?> {
        let list = pointerList(of: T.self, count: elements.count)
        for (index, element) in elements.enumerated() { list[index] = element }
        return list
    }

    /// Room for so many pointers, all of them and one more NULL.
    mutating func pointerList<T>(
        of type: T.Type, count: Int
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<T>?> {
        typealias Element = UnsafeMutablePointer<T>?
        let list = allocate(byteCount: (count + 1) * MemoryLayout<Element>.stride)
            .bindMemory(to: Element.self, capacity: count + 1)
        list.initialize(repeating: nil, count: count + 1)
        return list
    }
}

/// A text that has a NUL in it and cannot be handed to libldap.
struct EmbeddedNUL: Error {}

extension berval {
    /// The bytes, valid as long as the C memory is.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bv_val, count: bv_val == nil ? 0 : Int(bv_len))
    }
}
