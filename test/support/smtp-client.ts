import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'

export type SmtpReply = {
  code: number
  /** Without the reply code and the separator. */
  lines: string[]
  /** As it came, lines joined by `\n`. */
  text: string
}

export type SmtpMessage = { mailFrom: string; rcptTo: readonly string[]; data: string | Buffer }

export type SmtpClient = {
  greeting: SmtpReply
  /** Bytes as they are. */
  write(bytes: string | Buffer): void
  /** The next reply; rejects when the server closes first. */
  reply(): Promise<SmtpReply>
  command(line: string): Promise<SmtpReply>
  /** The last reply of the transaction: the one that refused it, or the one to the final dot. */
  sendMessage(message: SmtpMessage): Promise<SmtpReply>
  /** STARTTLS with `smuggled` in the same segment, and a handshake that takes any certificate. */
  startTls(options?: { smuggled?: string }): Promise<{ protocol: string | null; subject: string }>
  /** The handshake alone, after a 220 to STARTTLS. The error when it fails, else `null`. */
  handshake(options?: ConnectionOptions): Promise<Error | null>
  /** Bytes in a segment of their own. */
  writeAlone(bytes: Buffer): Promise<void>
  stopReading(): void
  /** Resolves when the server has closed the connection. */
  closed: Promise<void>
  /** FIN */
  end(): void
  /** RST */
  reset(): void
  close(): Promise<void>
}

type Address = { host: string; port: number }

/**
 * A plain client that does nothing by itself but read the greeting: the first command is EHLO, and
 * the caller's. `preface` is sent before the greeting.
 */
export async function connectSmtp(
  { host, port }: Address,
  { preface = '' }: { preface?: string } = {},
): Promise<SmtpClient> {
  const tcp = connectTcp({ host, port, noDelay: true })
  await once(tcp, 'connect')
  const replies = createReplyReader()
  const closed = new Promise<void>((resolve) => tcp.once('close', () => resolve()))
  let socket: Socket = tcp
  replies.attach(socket)
  if (preface !== '') socket.write(preface)
  const greeting = await replies.next()

  function command(line: string): Promise<SmtpReply> {
    socket.write(`${line}\r\n`)
    return replies.next()
  }

  async function handshake(options: ConnectionOptions = {}): Promise<Error | null> {
    replies.detach(socket)
    const tls = connectTls({ ...options, socket: tcp, rejectUnauthorized: false })
    socket = tls
    try {
      await once(tls, 'secureConnect')
    } catch (error) {
      return error as Error
    }
    replies.attach(tls)
    return null
  }

  return {
    greeting,
    closed,
    command,
    write: (bytes) => void socket.write(bytes),
    reply: () => replies.next(),
    async sendMessage({ mailFrom, rcptTo, data }) {
      const lines = [`MAIL FROM:<${mailFrom}>`, ...rcptTo.map((to) => `RCPT TO:<${to}>`), 'DATA']
      for (const line of lines) {
        const answer = await command(line)
        if (answer.code >= 400) return answer
      }
      socket.write(dotStuff(data))
      return replies.next()
    },
    handshake,
    async startTls({ smuggled = '' } = {}) {
      const answer = await command(`STARTTLS\r\n${smuggled}`.trimEnd())
      if (answer.code !== 220) throw new Error(answer.text)
      const failure = await handshake()
      if (failure !== null) throw failure
      const tls = socket as TLSSocket
      return { protocol: tls.getProtocol(), subject: String(tls.getPeerCertificate().subject.CN) }
    },
    async writeAlone(bytes) {
      await new Promise((resolve) => socket.write(bytes, resolve))
      await new Promise((resolve) => setImmediate(resolve))
    },
    stopReading: () => void socket.pause(),
    end: () => void socket.end(),
    reset: () => void tcp.resetAndDestroy(),
    close() {
      socket.destroy()
      tcp.destroy()
      return closed
    },
  }
}

/** Lines that begin with a dot get another one, and the final dot is set (RFC 5321 4.5.2). */
export function dotStuff(data: string | Buffer): Buffer {
  const text = (typeof data === 'string' ? Buffer.from(data) : data).toString('latin1')
  const body = text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`
  return Buffer.from(`${body.replace(/(^|\r\n)\./g, '$1..')}.\r\n`, 'latin1')
}

function createReplyReader() {
  const waiting: { resolve(reply: SmtpReply): void; reject(error: Error): void }[] = []
  const arrived: SmtpReply[] = []
  let lines: string[] = []
  let rest = ''
  let ended = false

  function onData(chunk: Buffer): void {
    const texts = (rest + chunk.toString('utf8')).split('\r\n')
    rest = texts.pop() ?? ''
    for (const text of texts) {
      lines.push(text)
      if (text[3] === '-') continue
      const reply = {
        code: Number(text.slice(0, 3)),
        lines: lines.map((line) => line.slice(4)),
        text: lines.join('\n'),
      }
      lines = []
      const first = waiting.shift()
      if (first) first.resolve(reply)
      else arrived.push(reply)
    }
  }

  function onEnd(): void {
    ended = true
    for (const { reject } of waiting.splice(0)) reject(new Error('connection closed'))
  }

  return {
    attach(socket: Socket) {
      socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onEnd)
    },
    detach(socket: Socket) {
      socket.off('data', onData)
    },
    next(): Promise<SmtpReply> {
      const reply = arrived.shift()
      if (reply) return Promise.resolve(reply)
      if (ended) return Promise.reject(new Error('connection closed'))
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
  }
}
