import { expect, test } from 'vitest'
import { mail, openDoor } from './door.ts'

const header = 'PROXY TCP4 192.0.2.77 127.0.0.1 40000 25\r\n'

test('a listed proxy says whom it speaks for', async () => {
  const door = await openDoor({ proxyPeers: ['127.0.0.0/8'], peers: ['192.0.2.77'] })
  const client = await door.connect({ preface: header })
  expect((await client.sendMessage(mail)).code).toBe(250)
  expect(door.messages[0]?.envelope.remoteAddress).toBe('192.0.2.77')
})

test('limits hold for the clients of a proxy, not for the proxy', async () => {
  const door = await openDoor({
    proxyPeers: ['127.0.0.1'],
    peers: [],
    greetingDelayMs: 0,
    maxConnectionsPerAddress: 1,
  })
  expect((await door.connect({ preface: header })).greeting.code).toBe(220)
  expect((await door.connect({ preface: header })).greeting.code).toBe(421)
  const other = header.replace('192.0.2.77', '192.0.2.78')
  expect((await door.connect({ preface: other })).greeting.code).toBe(220)
})

test('a listed proxy without a header, or with a bad one, gets no session', async () => {
  const door = await openDoor({ proxyPeers: ['127.0.0.1'] })
  for (const preface of ['EHLO client.example\r\n', 'PROXY TCP4 mx.evil.example x 1 2\r\n']) {
    const client = await door.connect({ preface })
    expect(client.greeting.text).toBe('* BAD Invalid PROXY header')
    await client.closed
  }
  expect(door.counts.opened).toBe(0)
})

test('a header from anybody else is refused, before and after the greeting', async () => {
  const forStrangers = await openDoor({ peers: [], proxyPeers: ['192.0.2.1'] })
  const early = await forStrangers.connect({ preface: header })
  expect(early.greeting.code).toBe(421)
  await early.closed

  const forPeers = await openDoor({ proxyPeers: ['192.0.2.1'] })
  const late = await forPeers.connect()
  expect((await late.command(header.trim())).code).toBe(421)
  await late.closed
})
