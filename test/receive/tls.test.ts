import { expect, test } from 'vitest'
import { makeCertificate } from './certificate.ts'
import { mail, openDoor } from './door.ts'

test('STARTTLS with the key that was given; the message says that it came over TLS', async () => {
  const door = await openDoor({ tls: makeCertificate('mx.own.example') })
  const client = await door.connect()
  expect((await client.command('EHLO client.example')).lines).toContain('STARTTLS')

  const { protocol, subject } = await client.startTls()

  expect(protocol).toBe('TLSv1.3')
  expect(subject).toBe('mx.own.example')
  expect((await client.command('MAIL FROM:<>')).code, 'EHLO is forgotten').toBe(503)
  const { lines } = await client.command('EHLO client.example')
  expect(lines).not.toContain('STARTTLS')
  expect((await client.sendMessage(mail)).code).toBe(250)
  expect(door.messages[0]?.envelope.tls).toBe(true)
})

test('commands sent in the clear behind STARTTLS are not obeyed inside of TLS', async () => {
  const door = await openDoor({ tls: makeCertificate('mx.own.example') })
  const client = await door.connect()
  await client.startTls({ smuggled: 'EHLO evil.example\r\nMAIL FROM:<evil@evil.example>\r\n' })
  expect((await client.command('RCPT TO:<bounces@own.example>')).code).toBe(503)
})

test('STARTTLS may stand behind other commands in one segment (RFC 2920 section 3.1)', async () => {
  const door = await openDoor({ tls: makeCertificate('mx.own.example') })
  const client = await door.connect()
  client.write('NOOP\r\nSTARTTLS\r\n')
  expect([(await client.reply()).code, (await client.reply()).code]).toEqual([250, 220])
  expect(await client.handshake()).toBeNull()
  expect((await client.command('EHLO client.example')).code).toBe(250)
})

test('without a key STARTTLS is neither offered nor obeyed', async () => {
  const door = await openDoor()
  const client = await door.connect()
  expect((await client.command('EHLO client.example')).lines).not.toContain('STARTTLS')
  expect((await client.command('STARTTLS')).code).toBe(500)
})

test('TLS 1.1 is refused, and the door stays open', async () => {
  const door = await openDoor({ tls: makeCertificate('mx.own.example') })
  const client = await door.connect()
  expect((await client.command('STARTTLS')).code).toBe(220)
  const ciphers = 'DEFAULT@SECLEVEL=0'
  const failed = await client.handshake({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers })
  expect(failed).toBeInstanceOf(Error)
  expect((await (await door.connect()).sendMessage(mail)).code).toBe(250)
})

test('a new certificate is used from the next handshake on, a bad one changes nothing', async () => {
  const door = await openDoor({ tls: makeCertificate('old.own.example') })
  const subject = async () => (await (await door.connect()).startTls()).subject
  expect(await subject()).toBe('old.own.example')

  door.server.updateTls(makeCertificate('new.own.example'))
  expect(await subject()).toBe('new.own.example')

  expect(() => door.server.updateTls({ key: 'no key', cert: 'no certificate' })).toThrow()
  expect(await subject()).toBe('new.own.example')
})

test('a bad key is found at the start', async () => {
  await expect(openDoor({ tls: { key: 'no key', cert: 'no certificate' } })).rejects.toThrow()
})
