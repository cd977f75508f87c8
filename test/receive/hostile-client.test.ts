import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mail, openDoor } from './door.ts'

const pieces = [
  'EHLO x\r\n',
  'HELO x\r\n',
  'MAIL FROM:<>\r\n',
  'MAIL FROM:<a@b.example> SIZE=10\r\n',
  'RCPT TO:<bounces@own.example>\r\n',
  'RCPT TO:<x@evil.example>\r\n',
  'DATA\r\n',
  'Subject: x\r\n',
  '.\r\n',
  '..\r\n',
  'RSET\r\n',
  'NOOP\r\n',
  'STARTTLS\r\n',
  'QUIT\r\n',
  '\r\n',
  '\n',
  '\r',
  '.',
  '\0',
]

test('whatever a client sends, in whatever pieces, the door stays open for the next', async () => {
  const door = await openDoor({ maxMessageBytes: 500 })
  const bytes = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...pieces).map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 60 }), fc.boolean(), async (chunks, atOnce) => {
      const socket = connect(door.address)
      socket.on('error', () => {}).resume()
      await once(socket, 'data')
      if (atOnce) socket.write(Buffer.concat(chunks))
      else for (const chunk of chunks) socket.write(chunk)
      socket.end()
      if (!socket.closed) await once(socket, 'close')

      for (const { raw, envelope } of door.messages.splice(0)) {
        expect(raw.length).toBeLessThanOrEqual(500)
        expect(new Set(envelope.rcptTo)).toEqual(new Set(['bounces@own.example']))
      }
    }),
    { numRuns: 200 },
  )
  expect((await (await door.connect()).sendMessage(mail)).code).toBe(250)
  expect(door.log()).not.toContain('"level":50')
  expect(door.counts.failed).toBe(0)
})

test('a client that resets its connection within a transaction does no harm', async () => {
  const door = await openDoor()
  const client = await door.connect()
  await client.command('MAIL FROM:<a@remote.example>')
  client.reset()
  await expect.poll(() => door.log()).toContain('ECONNRESET')
  expect((await (await door.connect()).sendMessage(mail)).code).toBe(250)
})

const canLimitFiles = isMainThread && process.platform === 'linux' && hasPrlimit()

test.skipIf(!canLimitFiles)('the door survives having no file descriptors left', async () => {
  const door = await openDoor()
  const before = softFileLimit()
  const flood = spawn(process.execPath, [
    '-e',
    `for (let i = 0; i < 100; i++) {
       const socket = require('net').connect(${door.address.port}, '127.0.0.1')
       socket.on('error', () => {}).on('close', () => console.log('dropped')).resume()
     }`,
  ])
  try {
    setSoftFileLimit(readdirSync('/proc/self/fd').length + 20)
    await once(flood.stdout, 'data')
  } finally {
    flood.kill()
    await once(flood, 'exit')
    await expect.poll(() => door.counts.closed).toBe(door.counts.opened)
    setSoftFileLimit(before)
  }
  expect(door.counts.opened).toBeLessThan(100)
  expect((await (await door.connect()).sendMessage(mail)).code).toBe(250)
})

function hasPrlimit(): boolean {
  try {
    return softFileLimit() > 0
  } catch {
    return false
  }
}

function softFileLimit(): number {
  const options = ['--pid', String(process.pid), '--nofile', '--raw', '--noheadings', '-o', 'SOFT']
  return Number(execFileSync('prlimit', options, { encoding: 'utf8' }))
}

function setSoftFileLimit(limit: number): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${limit}:`])
}
