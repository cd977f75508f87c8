import { once } from 'node:events'
import { Agent, get, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { createHttpServer } from '../../src/http/server.ts'

const local = { host: '127.0.0.1', port: 0, maxConnections: 2 }

test('close waits for the requests under way and lets nobody else in', async () => {
  const answers: (() => void)[] = []
  const server = createHttpServer(local, (_request, response) => {
    answers.push(() => response.end('done'))
  })
  const { port } = await server.listen()
  const agent = new Agent({ keepAlive: true })
  const request = get({ port, agent, host: '127.0.0.1' })
  const response = once(request, 'response')
  await expect.poll(() => answers.length).toBe(1)
  let closed = false
  const closing = server.close().then(() => {
    closed = true
  })
  await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow()
  expect(closed).toBe(false)
  answers[0]?.()
  const [incoming] = await response
  expect(incoming.headers.connection).toBe('close')
  incoming.resume()
  await closing
  agent.destroy()
})

// Half of what close waits at most for requests under way.
test('close does not wait for idle connections', { timeout: 5_000 }, async () => {
  const server = createHttpServer(local, (_request, response) => response.end())
  const { port } = await server.listen()
  await (await fetch(`http://127.0.0.1:${port}`)).text()
  const silent = connect(port, '127.0.0.1')
  await once(silent, 'connect')
  silent.on('error', () => undefined)
  await server.close()
  await server.close()
})

test('connections over the limit are closed at once', async () => {
  const server = createHttpServer(local, (_request, response) => response.end())
  const { port } = await server.listen()
  const sockets = [1, 2, 3].map(() => connect(port, '127.0.0.1').on('error', () => undefined))
  for (const socket of sockets) socket.resume()
  await expect.poll(() => sockets.filter(({ closed }) => closed).length).toBe(1)
  for (const socket of sockets) socket.destroy()
  await server.close()
})

test('a port that is taken is an error', async () => {
  const first = createHttpServer(local, (_request, response) => response.end())
  const { port } = await first.listen()
  const second = createHttpServer({ ...local, port }, (_request, response) => response.end())
  await expect(second.listen()).rejects.toThrow('EADDRINUSE')
  await second.close()
  await first.close()
})

test('pipelined requests are worked on one at a time and answered in order', async () => {
  let atOnce = 0
  let most = 0
  const server = createHttpServer(local, async (request, response) => {
    atOnce++
    most = Math.max(most, atOnce)
    await new Promise((resolve) => setTimeout(resolve, 5))
    atOnce--
    response.end(`<${request.url}>`)
  })
  const { port } = await server.listen()
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  const paths = Array.from({ length: 15 }, (_, n) => `/${n}`)
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''))
  const answered = () => [...text.matchAll(/<(.*?)>/g)].map(([, path]) => path)
  await expect.poll(answered).toEqual(paths)
  expect(most).toBe(1)
  socket.write('GET /again HTTP/1.1\r\nHost: x\r\n\r\n')
  await expect.poll(answered).toContain('/again')
  socket.destroy()
  await server.close()
})

test('whoever sends thousands of requests ahead is cut off, with one of them begun', async () => {
  let begun = 0
  const server = createHttpServer(local, () => {
    begun++
  })
  const { port } = await server.listen()
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  socket.resume()
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5_000))
  await expect.poll(() => socket.closed).toBe(true)
  expect(begun).toBe(1)
  await server.close()
})

test('requests behind one whose client has gone are not begun', async () => {
  const begun: ServerResponse[] = []
  const server = createHttpServer(local, (_request, response) => {
    begun.push(response)
  })
  const { port } = await server.listen()
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5))
  await expect.poll(() => begun.length).toBe(1)
  const closed = begun[0] && once(begun[0], 'close')
  socket.destroy()
  await closed
  begun[0]?.end()
  await server.close()
  expect(begun).toHaveLength(1)
})

test('nothing is kept of clients that have gone before their answer', async () => {
  const begun: ServerResponse[] = []
  const server = createHttpServer({ ...local, maxConnections: 50 }, (_request, response) => {
    begun.push(response)
  })
  const { port } = await server.listen()
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const sockets = Array.from({ length: 50 }, () => connect(port, '127.0.0.1'))
  for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await expect.poll(() => begun.length).toBe(50)
  for (const socket of sockets) socket.destroy()
  await expect.poll(() => begun.every(({ closed }) => closed)).toBe(true)
  for (const response of begun) response.end()
  expect(timers()).toBeLessThan(before + 25)
  await server.close()
})

test('a client that does not read its answer is cut off, a slow one that works is not', async () => {
  let cut = 0
  const server = createHttpServer({ ...local, readTimeoutMs: 300 }, async (request, response) => {
    request.socket.once('close', () => {
      cut++
    })
    // Longer than it may take to read.
    if (request.url === '/work') await new Promise((resolve) => setTimeout(resolve, 900))
    response.end(request.url === '/work' ? 'done' : Buffer.alloc(20_000_000))
  })
  const { port } = await server.listen()
  const deaf = connect(port, '127.0.0.1').on('error', () => undefined)
  deaf.pause()
  deaf.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3))
  const working = await fetch(`http://127.0.0.1:${port}/work`)
  expect(await working.text()).toBe('done')
  await expect.poll(() => cut).toBe(1)
  deaf.destroy()
  await server.close()
})

test('a client that stops in the middle of a file is cut off, one that reads on is not', async () => {
  const cut: (string | undefined)[] = []
  const server = createHttpServer({ ...local, readTimeoutMs: 500 }, (request, response) => {
    const file = Readable.from(
      (function* () {
        for (let chunk = 0; chunk < 400; chunk++) yield Buffer.alloc(100_000)
      })(),
    )
    pipeline(file, response).catch(() => cut.push(request.url))
  })
  const { port } = await server.listen()
  const deaf = connect(port, '127.0.0.1').on('error', () => undefined)
  deaf.pause()
  deaf.write('GET /deaf HTTP/1.1\r\nHost: x\r\n\r\n')
  const response = await fetch(`http://127.0.0.1:${port}/slow`)
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  expect(bytes).toBe(40_000_000)
  await expect.poll(() => cut).toEqual(['/deaf'])
  deaf.destroy()
  await server.close()
})
