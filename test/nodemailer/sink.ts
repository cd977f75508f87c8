import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export type Taken = { mailFrom: string; rcptTo: string[]; text: string }

export type Sink = {
  host: string
  port: number
  /** What has come in so far. */
  mails: Taken[]
  close(): Promise<void>
}

/** A mail server that takes everything: the way out into the world. */
export async function openSink(): Promise<Sink> {
  const mails: Taken[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const mailFrom = envelope.mailFrom === false ? '' : envelope.mailFrom.address
        const rcptTo = envelope.rcptTo.map(({ address }) => address)
        mails.push({ mailFrom, rcptTo, text: Buffer.concat(chunks).toString('utf8') })
        done()
      })
    },
  })
  const host = '127.0.0.1'
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.server.address() as AddressInfo
  return {
    host,
    port,
    mails,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** The values of a header field, unfolded. */
export function header({ text }: Taken, name: string): string[] {
  const head = text.slice(0, text.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ')
  return head
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((line) => line.slice(name.length + 1).trim())
}
