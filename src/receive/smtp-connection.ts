import type { Socket } from 'node:net'
import type { SMTPServerAddress } from 'smtp-server'
import type { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { parsePathCommand } from './path-command.ts'
import type { createReplyBuffer } from './reply-buffer.ts'
import type { SmtpSession } from './smtp-session.ts'

/** A message takes some five replies and one for each recipient; NOOP loops have no end. */
const maxRepliesPerMessage = 1_000

/** What a client may still send after our last word: commands that were under way. */
const farewellBytes = 64 * 1024
const farewellMs = 1_000

const ownStatus = /^[245]\.\d{1,3}\.\d{1,3} /

type ConnectionOptions = {
  greetingDelayMs: number
  replyBuffer: ReturnType<typeof createReplyBuffer>
}

/** Makes a connection of the library do what its options do not reach. */
export function adaptConnection(session: SmtpSession, options: ConnectionOptions): void {
  adaptGreeting(session, options.greetingDelayMs)
  adaptReplies(session, options.replyBuffer)
  adaptCommands(session.connection)
  adaptClosing(session.connection)
}

/** The library counts every client alike, and makes all of them wait 100 ms. */
function adaptGreeting(session: SmtpSession, greetingDelayMs: number): void {
  const { connection } = session
  connection.init = () => {
    connection._setListeners(() => {
      if (!session.isAdmitted) {
        connection.send(421, `${connection.name} Too many connections, try again later`, false)
        connection._socket.destroySoon()
      } else if (session.isPeer || greetingDelayMs === 0) {
        connection.connectionReady()
      } else {
        setTimeout(() => connection.connectionReady(), greetingDelayMs).unref()
      }
    })
  }
}

/** The library derives the enhanced status from the reply code: every 550 would be a 5.1.1. */
function adaptReplies(session: SmtpSession, replyBuffer: ConnectionOptions['replyBuffer']): void {
  const { connection } = session
  const send = connection.send.bind(connection)
  connection.send = (code, data, context) => {
    session.replies += 1
    // 220 may be the answer to STARTTLS: not one byte of plain text may stay behind.
    if (code === 220) replyBuffer.flush(connection._socket)
    else if (!connection._upgrading) replyBuffer.hold(connection._socket)
    if (session.replies > maxRepliesPerMessage && code !== 421) {
      send(421, '4.7.0 Too many commands', false)
      return
    }
    const hasOwnStatus = typeof data === 'string' && ownStatus.test(data)
    send(code, data, hasOwnStatus ? false : context)
  }
}

function adaptCommands(connection: SMTPConnection): void {
  connection._parseAddressCommand = (name, command) => {
    const verb = name.toUpperCase() === 'MAIL FROM' ? 'MAIL FROM' : 'RCPT TO'
    const parsed = parsePathCommand(verb, command.toString())
    if (parsed === null) return false
    const { address, parameters, repeated } = parsed
    const path: SMTPServerAddress & { duplicate?: string } = {
      address,
      args: parameters.size > 0 && Object.fromEntries(parameters),
    }
    if (repeated !== null) path.duplicate = repeated
    return path
  }
  // A proxy that we were not told about: its clients would all pass for itself.
  Object.assign(connection, {
    handler_PROXY: (_command: Buffer, callback: () => void) => {
      connection.send(421, '4.7.0 PROXY is not accepted from this address', false)
      callback()
    },
  })
}

/**
 * The library reads for five seconds more, and drops, what a client sends to a connection that we
 * have closed: gigabytes, from one that does not care. Unread bytes stay with who sends them.
 */
function adaptClosing(connection: SMTPConnection): void {
  const close = connection.close.bind(connection)
  connection.close = () => {
    const isFirst = !connection._closing
    close()
    if (isFirst && !connection._upgrading) endFlood(connection._socket)
  }
}

function endFlood(socket: Socket): void {
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= farewellBytes || socket.isPaused()) return
    socket.pause()
    setTimeout(() => socket.destroy(), farewellMs).unref()
  })
}
