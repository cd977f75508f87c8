import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'

/** More than any client sends ahead; each costs some kilobytes. */
const maxAhead = 16

/**
 * Node hands out all pipelined requests of a socket at once. Here each waits until the answer to the
 * one before has been taken, so that a socket never has more than one in work (RFC 9112 section
 * 9.3.2 leaves that to us). Who sends too many ahead is cut off.
 */
export function oneAtATime(serve: RequestListener): RequestListener {
  const queues = new WeakMap<Socket, (() => void)[]>()
  return (request, response) => {
    const { socket } = request
    const start = (): void => {
      serve(request, response)
      response.once('close', () => next(socket))
    }
    const queue = queues.get(socket)
    if (queue === undefined) {
      queues.set(socket, [])
      start()
    } else if (queue.length < maxAhead) queue.push(start)
    else socket.destroy()
  }

  function next(socket: Socket): void {
    const start = socket.writable ? queues.get(socket)?.shift() : undefined
    if (start) start()
    else queues.delete(socket)
  }
}
