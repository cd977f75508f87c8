import type { Socket } from 'node:net'

/**
 * Puts the replies to pipelined commands into one segment (RFC 2920 section 3.1): sockets are
 * corked at their first reply and flushed together once the input at hand has been worked off.
 */
export function createReplyBuffer(): { hold(socket: Socket): void; flush(socket: Socket): void } {
  const held = new Set<Socket>()

  function flushAll(): void {
    for (const socket of held) socket.uncork()
    held.clear()
  }

  return {
    hold(socket) {
      if (held.has(socket)) return
      if (held.size === 0) setImmediate(flushAll)
      socket.cork()
      held.add(socket)
    },
    flush(socket) {
      if (held.delete(socket)) socket.uncork()
    },
  }
}
