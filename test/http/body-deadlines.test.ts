import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { uploadAdmitted } from '../../src/http/body-deadlines.ts'
import { createHttpServer, type HttpServer } from '../../src/http/server.ts'

const bodies = { requestMs: 1_000, idleMs: 1_500, minBytesPerSecond: 100, slowAfterMs: 2_000 }

let server: HttpServer
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server.close()
})

async function open(listener: RequestListener): Promise<number> {
  server = createHttpServer({ host: '127.0.0.1', port: 0, maxConnections: 10, bodies }, listener)
  return (await server.listen()).port
}

/** Sends a request with a body that is to come, and collects what is answered. */
async function begin(port: number): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  sockets.push(socket)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  await once(socket, 'connect')
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n')
  return { socket, text: () => text }
}

/** So many bytes every quarter of a second, until the socket is closed. */
function drip(socket: Socket, bytes: number): void {
  const timer = setInterval(() => socket.write('x'.repeat(bytes)), 250)
  socket.once('close', () => clearInterval(timer))
}

const patience = { timeout: 15_000 }

/** Reads the whole body, as an upload or not, and answers. */
const reading =
  (isUpload: boolean): RequestListener =>
  (request, response) => {
    if (isUpload) request.socket.emit(uploadAdmitted)
    request.on('error', () => undefined)
    request.resume().once('end', () => response.end('all'))
  }

describe('a body', () => {
  test('that does not come in time is refused', async () => {
    const { socket, text } = await begin(await open(reading(false)))
    drip(socket, 1_000)
    await expect.poll(() => socket.closed, patience).toBe(true)
    expect(text()).toMatch(/^HTTP\/1.1 408 /)
    const [head = '', body = ''] = text().split('\r\n\r\n')
    expect(head).toContain(`Content-Length: ${body.length}`)
    const detail = 'The body did not arrive in time'
    const errors = [{ message: detail, field: null, help: null }]
    expect(JSON.parse(body)).toEqual({ detail, errors })
  })

  test('that came but is not read does not end the work', async () => {
    const port = await open(async (_request, response) => {
      await new Promise((resolve) => setTimeout(resolve, 2 * bodies.requestMs))
      response.end('done')
    })
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`http://127.0.0.1:${port}`, { method: 'DELETE', headers, body: '{}' })
    expect(await reply.text()).toBe('done')
  })
})

describe('an upload', () => {
  test('may take longer as long as it goes on', async () => {
    const { socket, text } = await begin(await open(reading(true)))
    const start = performance.now()
    drip(socket, 100_000)
    await expect.poll(text, patience).toContain('all')
    expect(performance.now() - start).toBeGreaterThan(bodies.requestMs)
  })

  test.each([
    ['stops', 0],
    ['drips', 5],
  ])('that %s is refused', async (_name, bytes) => {
    const { socket, text } = await begin(await open(reading(true)))
    drip(socket, bytes)
    await expect.poll(() => socket.closed, patience).toBe(true)
    expect(text()).toMatch(/^HTTP\/1.1 408 /)
  })

  test('is not blamed for our slowness', async () => {
    let isCut = false
    const port = await open(async (request, response) => {
      request.socket.emit(uploadAdmitted)
      request.once('error', () => {
        isCut = true
      })
      // Nobody reads for longer than an upload may pause.
      await new Promise((resolve) => setTimeout(resolve, 2 * bodies.idleMs))
      request.resume().once('end', () => response.end('all'))
    })
    const { socket, text } = await begin(port)
    socket.write(Buffer.alloc(1_000_000))
    await expect.poll(text, patience).toContain('all')
    expect(isCut).toBe(false)
  })

  test('that was answered before its end has a moment to end', async () => {
    const port = await open((request, response) => {
      request.socket.emit(uploadAdmitted)
      request.on('error', () => undefined)
      response.end('no')
    })
    const { socket, text } = await begin(port)
    drip(socket, 1_000)
    await expect.poll(text, patience).toContain('no')
    await expect.poll(() => socket.closed, patience).toBe(true)
    expect(text()).not.toContain('408')
  })

  test('that was answered before its end and does end leaves the connection open', async () => {
    const port = await open((request, response) => {
      request.socket.emit(uploadAdmitted)
      response.end(request.url)
    })
    const { socket, text } = await begin(port)
    await expect.poll(text, patience).toContain('\r\n\r\n/')
    socket.write(Buffer.alloc(1_000_000))
    socket.write('GET /next HTTP/1.1\r\nHost: x\r\n\r\n')
    await expect.poll(text, patience).toContain('/next')
  })
})
