import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'

type Line = { isBusy: boolean; waiting: (() => void)[] }

/** More than any client sends ahead; each costs some kilobytes. */
const maxAhead = 16

/**
 * Node hands out all pipelined requests of a socket at once. Here each waits until the answer to the
 * one before has been taken, so that a socket never has more than one in work (RFC 9112 section
 * 9.3.2 leaves that to us). Who sends too many ahead is cut off.
 */
export function oneAtATime(serve: RequestListener): RequestListener {
  const lines = new WeakMap<Socket, Line>()
  return (request, response) => {
    const { socket } = request
    const line = lines.get(socket) ?? { isBusy: false, waiting: [] }
    lines.set(socket, line)
    const start = (): void => {
      serve(request, response)
      response.once('close', () => next(socket, line))
    }
    if (line.isBusy) {
      if (line.waiting.length < maxAhead) line.waiting.push(start)
      else socket.destroy()
    } else {
      line.isBusy = true
      start()
    }
  }

  function next(socket: Socket, line: Line): void {
    const start = socket.writable ? line.waiting.shift() : undefined
    if (start) start()
    else line.isBusy = false
  }
}
