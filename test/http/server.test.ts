import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
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
