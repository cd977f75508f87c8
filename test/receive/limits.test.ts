import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { dotStuff } from '../support/smtp-client.ts'
import { mail, openDoor } from './door.ts'

const strangers = { peers: [], greetingDelayMs: 0 }

test('a message may be as big as the limit, and not one byte bigger', async () => {
  const door = await openDoor({ maxMessageBytes: 1_000 })
  const client = await door.connect()
  const line = `${'x'.repeat(98)}\r\n`

  expect((await client.sendMessage({ ...mail, data: line.repeat(10) })).code).toBe(250)
  const reply = await client.sendMessage({ ...mail, data: `${line.repeat(10)}\r\n` })

  expect(reply.text).toBe('552 5.3.4 Message too big')
  expect((await client.sendMessage(mail)).code, 'the session lives').toBe(250)
  expect(door.messages).toHaveLength(2)
})

test('SIZE over the limit is refused at MAIL FROM', async () => {
  const door = await openDoor({ maxMessageBytes: 1_000 })
  const client = await door.connect()
  expect((await client.command('MAIL FROM:<> SIZE=1001')).text).toMatch(/^552 5\.3\.4 /)
  expect((await client.command('MAIL FROM:<> SIZE=1000')).code).toBe(250)
})

test('a client that goes on far beyond the limit is told and cut', async () => {
  const door = await openDoor({ maxMessageBytes: 1_000 })
  const client = await door.connect()
  await client.command('MAIL FROM:<>')
  await client.command('RCPT TO:<bounces@own.example>')
  await client.command('DATA')

  client.write('x'.repeat(80 * 1024))

  expect((await client.reply()).text).toBe('552 5.3.4 Message too big')
  await client.closed
  expect(door.messages).toEqual([])
})

test.each([
  ['beyond the limit of a message', 'DATA\r\n', 'x'.repeat(64 * 1024)],
  ['after QUIT', 'QUIT\r\n', 'NOOP\r\n'.repeat(10_000)],
])('who goes on sending %s sends into the void, and is cut', async (_, last, more) => {
  const door = await openDoor({ maxMessageBytes: 1_000 })
  const begin = 'EHLO client.example\r\nMAIL FROM:<>\r\nRCPT TO:<bounces@own.example>\r\n'
  const socket = connect({ ...door.address, allowHalfOpen: true }, () => {
    socket.write(begin + last)
    const flood = () => {
      while (!socket.destroyed && socket.write(more)) {}
    }
    socket.on('drain', flood)
    flood()
  })
  socket.on('error', () => {}).resume()
  await new Promise((resolve) => socket.once('close', resolve))
  const taken = socket.bytesWritten - socket.writableLength
  expect(taken, 'what the buffers of the system hold').toBeLessThan(32 * 1024 * 1024)
})

test('LMTP: a message that is too big is refused for each recipient', async () => {
  const door = await openDoor({ lmtp: true, maxMessageBytes: 10 })
  const client = await door.connect()
  const rcptTo = ['a@own.example', 'b@own.example']
  expect((await client.sendMessage({ ...mail, rcptTo })).code).toBe(552)
  expect((await client.reply()).code).toBe(552)
  expect((await client.command('NOOP')).code).toBe(250)
})

test('the 101st recipient is put off, the 100 before get the message', async () => {
  const door = await openDoor()
  const client = await door.connect()
  await client.command('MAIL FROM:<>')
  for (let i = 0; i < 100; i++) {
    expect((await client.command(`RCPT TO:<r${i}@own.example>`)).code).toBe(250)
  }
  const reply = await client.command('RCPT TO:<r100@own.example>')
  expect(reply.text).toBe('452 4.5.3 Too many recipients')
  await client.command('DATA')
  expect((await client.command('\r\n.')).code).toBe(250)
  expect(door.messages[0]?.envelope.rcptTo).toHaveLength(100)
  expect((await client.sendMessage(mail)).code).toBe(250)
})

test('mail over the byte budget is put off before its data, and accepted when there is room', async () => {
  let finish = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const door = await openDoor(
    { maxBytesInFlight: 1_000 },
    {
      processMessage: async (message) => {
        if (message.raw.length > 500) await finished
        return [{ result: 'duplicate' }]
      },
    },
  )
  const [first, second] = [await door.connect(), await door.connect()]
  const big = first.sendMessage({ ...mail, data: `${'x'.repeat(900)}\r\n` })
  await expect.poll(() => door.messages.length).toBe(1)

  expect((await second.command('MAIL FROM:<> SIZE=200')).text).toMatch(/^452 4\.3\.1 /)
  const undeclared = await second.sendMessage({ ...mail, data: `${'x'.repeat(200)}\r\n` })
  expect(undeclared.text).toMatch(/^452 4\.3\.1 /)

  finish()
  expect((await big).code).toBe(250)
  const again = await second.sendMessage({ ...mail, data: `${'x'.repeat(200)}\r\n` })
  expect(again.code).toBe(250)
})

test('strangers over the limit of connections are greeted with 421', async () => {
  const door = await openDoor({ ...strangers, maxConnections: 2 })
  const first = await door.connect()
  await door.connect()

  const third = await door.connect()
  expect(third.greeting.text).toBe('421 mx.own.example Too many connections, try again later')
  await third.closed

  await first.close()
  await expect.poll(async () => (await door.connect()).greeting.code).toBe(220)
})

test('strangers from one address have a limit of their own', async () => {
  const door = await openDoor({ ...strangers, maxConnectionsPerAddress: 1 })
  const first = await door.connect()
  expect(first.greeting.code).toBe(220)
  expect((await door.connect()).greeting.code).toBe(421)
  await first.close()
  await expect.poll(async () => (await door.connect()).greeting.code).toBe(220)
})

test('peers have no limit by address, and as many connections as all strangers', async () => {
  const door = await openDoor({ maxConnections: 3, maxConnectionsPerAddress: 1 })
  const peers = [await door.connect(), await door.connect(), await door.connect()]
  for (const { greeting } of peers) expect(greeting.code).toBe(220)
  expect((await door.connect()).greeting.code).toBe(421)
  await peers[0]?.close()
  await expect.poll(async () => (await door.connect()).greeting.code).toBe(220)
})

test.each([
  ['strangers', '192.0.2.1', 'peers', '192.0.2.2'],
  ['peers', '192.0.2.2', 'strangers', '192.0.2.1'],
])('%s (%s) that take all their connections leave those of %s alone', async (_, full, __, free) => {
  const options = { peers: ['192.0.2.2'], proxyPeers: ['127.0.0.1'], greetingDelayMs: 0 }
  const door = await openDoor({ ...options, maxConnections: 2 })
  const codeFor = async (from: string) => {
    const preface = `PROXY TCP4 ${from} 203.0.113.9 4000 25\r\n`
    return (await door.connect({ preface })).greeting.code
  }
  expect([await codeFor(full), await codeFor(full), await codeFor(full)]).toEqual([220, 220, 421])
  expect(await codeFor(free)).toBe(220)
})

test('who talks before the greeting is sent away; peers are greeted at once', async () => {
  const early = { preface: 'EHLO client.example\r\n' }
  const forStrangers = await openDoor({ peers: [], greetingDelayMs: 100 })
  const stranger = await forStrangers.connect(early)
  expect(stranger.greeting.text).toMatch(/^421 .*You talk too soon$/)
  await stranger.closed

  const forPeers = await openDoor({ greetingDelayMs: 60_000 })
  expect((await forPeers.connect()).greeting.code).toBe(220)
})

test('a loop of NOOP comes to an end', async () => {
  const door = await openDoor()
  const client = await door.connect()
  let reply = await client.command('NOOP')
  for (let i = 0; i < 2_000 && reply.code === 250; i++) reply = await client.command('NOOP')
  expect(reply.text).toBe('421 4.7.0 Too many commands')
  await client.closed
})

test('many messages on one connection are no loop', async () => {
  const door = await openDoor()
  const client = await door.connect()
  for (let i = 0; i < 300; i++) expect((await client.sendMessage(mail)).code).toBe(250)
})

test('a command without end is not kept in memory', async () => {
  const door = await openDoor()
  const client = await door.connect()
  client.write('x'.repeat(100_000))
  expect((await client.reply()).code).toBe(421)
  await client.closed
})

test('replies to pipelined commands come in order, and pipelined messages are all processed', async () => {
  const door = await openDoor()
  const client = await door.connect()
  const one = [
    'MAIL FROM:<>\r\nRCPT TO:<bounces@own.example>\r\nRCPT TO:<a@evil.example>\r\nDATA\r\n',
    dotStuff(mail.data),
  ].join('')
  client.write(`${one}${one}NOOP\r\n`)
  const codes: number[] = []
  for (let i = 0; i < 11; i++) codes.push((await client.reply()).code)
  expect(codes).toEqual([250, 250, 550, 354, 250, 250, 250, 550, 354, 250, 250])
  expect(door.messages).toHaveLength(2)
})

test('bytes above 127 come through as they are', async () => {
  const door = await openDoor()
  const client = await door.connect()
  const data = Buffer.from([...Array(256).keys()].filter((byte) => byte !== 13 && byte !== 10))
  const whole = Buffer.concat([data, Buffer.from('\r\n')])
  expect((await client.sendMessage({ ...mail, data: whole })).code).toBe(250)
  expect(door.messages[0]?.raw).toEqual(whole)
})
