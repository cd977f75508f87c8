import { connect } from 'node:net'

export type Reply = { status: number; headers: [string, string][]; body: string }

/** The replies to these bytes, until the server closes, which `Connection: close` asks for. */
export async function exchange(port: number, bytes: Buffer): Promise<Reply[]> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return replies(Buffer.concat(chunks))
}

/** Without what is different each time: the time, and ids of ours. */
function replies(received: Buffer): Reply[] {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return []
  const [statusLine = '', ...lines] = received.subarray(0, end).toString('latin1').split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const [name = '', ...value] = line.split(': ')
    return [name.toLowerCase(), value.join(': ')]
  })
  const length = Number(new Map(headers).get('content-length') ?? 0)
  const body = received.subarray(end + 4, end + 4 + length).toString()
  const reply = { status: Number(statusLine.split(' ')[1]), headers: comparable(headers), body }
  return [reply, ...replies(received.subarray(end + 4 + length))]
}

function comparable(headers: [string, string][]): [string, string][] {
  const isOurs = /^[0-9a-f-]{36}$/
  return headers
    .filter(([name]) => name !== 'date')
    .map(([name, value]): [string, string] =>
      name === 'x-request-id' && isOurs.test(value) ? [name, 'ours'] : [name, value],
    )
    .sort()
}

/** What to send; `null`: without this field. */
export type Content = {
  method?: string
  version?: string
  headers?: Record<string, string | null>
  body: string | Buffer
}

/** A call as bytes; the last one of a connection asks for its end. */
export function message(path: string, key: string, content: Content, isLast = true): Buffer {
  const { method = 'POST', version = '1.1', body } = content
  const headers = {
    Host: 'door',
    Authorization: `Bearer ${key}`,
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: isLast ? 'close' : null,
    ...content.headers,
  }
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${value}\r\n`],
  )
  const head = `${method} ${path} HTTP/${version}\r\n${fields.join('')}\r\n`
  return Buffer.concat([Buffer.from(head), Buffer.from(body)])
}
