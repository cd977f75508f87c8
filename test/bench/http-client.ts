import { connect, type Socket } from 'node:net'

export type HttpClient = {
  /** The text of a 200; rejects for any other. One at a time. */
  post(path: string, json: string): Promise<string>
  close(): void
}

/** One keep-alive connection, with as little work as can be: it shares the machine with the server. */
export function createHttpClient(port: number, key: string): HttpClient {
  const head = `Host: bench\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n`
  let socket: Socket | null = null
  let received = ''
  let done: { resolve: (text: string) => void; reject: (error: Error) => void } | null = null

  function open(): Socket {
    received = ''
    const opened = connect({ port, host: '127.0.0.1', noDelay: true })
    opened.setEncoding('latin1')
    opened.on('data', (text: string) => {
      received = received === '' ? text : received + text
      read()
    })
    opened.on('error', (error) => done?.reject(error))
    return opened
  }

  function read(): void {
    const end = received.indexOf('\r\n\r\n')
    if (end < 0) return
    const header = received.slice(0, end)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(header)?.[1])
    if (received.length < end + 4 + length) return
    const body = received.slice(end + 4)
    received = ''
    // The server limits how many requests a connection may bring.
    if (/\r\nconnection: close/i.test(header)) close()
    if (header.startsWith('HTTP/1.1 200 ')) done?.resolve(body)
    else done?.reject(new Error(header))
  }

  function close(): void {
    socket?.destroy()
    socket = null
  }

  return {
    post: (path, json) =>
      new Promise((resolve, reject) => {
        done = { resolve, reject }
        socket ??= open()
        socket.write(
          `POST ${path} HTTP/1.1\r\n${head}Content-Length: ${json.length}\r\n\r\n${json}`,
          'latin1',
        )
      }),
    close,
  }
}
