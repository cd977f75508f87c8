import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export type DnsServer = {
  /** `address:port`, as HEARBACK_DNS_SERVERS takes it. */
  address: string
  /** TXT records by name; a name that is not there does not exist. */
  records: Map<string, readonly string[]>
  /** Names that are never answered. */
  silent: Set<string>
  /** Every name that was asked for, in order. */
  asked: string[]
  close(): Promise<void>
}

/** Answers questions for TXT records over UDP (RFC 1035), on a port of its own. */
export async function startDnsServer(): Promise<DnsServer> {
  const records = new Map<string, readonly string[]>()
  const silent = new Set<string>()
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, peer) => {
    const { name, end } = readName(query)
    asked.push(name)
    if (!silent.has(name))
      socket.send(answer(query, end, records.get(name)), peer.port, peer.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    records,
    silent,
    asked,
    close: () => new Promise((resolve) => socket.close(resolve)),
  }
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 }
}

function answer(query: Buffer, nameEnd: number, texts: readonly string[] | undefined): Buffer {
  const question = query.subarray(12, nameEnd + 4)
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  // A response that may recurse; 3: the name does not exist.
  header.writeUInt16BE(0x8180 | (texts === undefined ? 3 : 0), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(texts?.length ?? 0, 6)
  return Buffer.concat([header, question, ...(texts ?? []).map(resource)])
}

function resource(text: string): Buffer {
  const strings = (text.match(/[\s\S]{1,255}/g) ?? []).map((part) =>
    Buffer.concat([Buffer.from([part.length]), Buffer.from(part, 'latin1')]),
  )
  const data = Buffer.concat(strings)
  const head = Buffer.alloc(12)
  // The name of the question; TXT; IN; a minute.
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(16, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(60, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}
