import { expect, test } from 'vitest'
import type { SmtpClient } from '../support/smtp-client.ts'
import { mail, openDoor } from './door.ts'

/** Sends a byte now and then until the connection is closed. */
async function drip(client: SmtpClient, bytes: string): Promise<void> {
  const timer = setInterval(() => client.write(bytes), 20)
  await client.closed
  clearInterval(timer)
}

const tooSlow = '421 4.4.2 Too slow, closing connection'

test('a client that drips a command is cut', async () => {
  const door = await openDoor({ sessionDeadlineMs: 300 })
  const client = await door.connect()
  const [reply] = await Promise.all([client.reply(), drip(client, 'x')])
  expect(reply.text).toBe(tooSlow)
})

test('a crowd that drips does not keep others from being served', async () => {
  const door = await openDoor({ sessionDeadlineMs: 500 })
  const crowd = await Promise.all(Array.from({ length: 200 }, () => door.connect()))
  const dripping = crowd.map((client) => drip(client, 'x'))
  const client = await door.connect()
  for (let i = 0; i < 20; i++) expect((await client.sendMessage(mail)).code).toBe(250)
  await Promise.all(dripping)
  expect((await (await door.connect()).sendMessage(mail)).code).toBe(250)
})

test('a client that keeps busy without sending mail is cut', async () => {
  const door = await openDoor({ sessionDeadlineMs: 300 })
  const client = await door.connect()
  await drip(client, 'RSET\r\n')
})

test('a client that drips its message is cut, and nothing is processed', async () => {
  const door = await openDoor({ dataGraceMs: 200, minDataRate: 500 })
  const client = await door.connect()
  await client.command('MAIL FROM:<>')
  await client.command('RCPT TO:<bounces@own.example>')
  await client.command('DATA')
  const [reply] = await Promise.all([client.reply(), drip(client, 'x')])
  expect(reply.text).toBe(tooSlow)
  expect(door.messages).toEqual([])
})

test('a client that drips its message at the allowed rate meets the session deadline', async () => {
  const door = await openDoor({ sessionDeadlineMs: 400, dataGraceMs: 100, minDataRate: 1 })
  const client = await door.connect()
  await client.command('MAIL FROM:<>')
  await client.command('RCPT TO:<bounces@own.example>')
  await client.command('DATA')
  await drip(client, 'xxxx\r\n')
  expect(door.messages).toEqual([])
})

test('a client that drips a TLS handshake is cut', async () => {
  const { makeCertificate } = await import('./certificate.ts')
  const door = await openDoor({ sessionDeadlineMs: 300, tls: makeCertificate('mx.own.example') })
  const client = await door.connect()
  expect((await client.command('STARTTLS')).code).toBe(220)
  const hello = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03])
  client.write(hello)
  await drip(client, 'x')
  await expect.poll(() => door.counts.closed).toBe(1)
})

test('an idle client is cut by the idle timeout', async () => {
  const door = await openDoor({ idleTimeoutMs: 200 })
  const client = await door.connect()
  expect((await client.reply()).text).toBe('421 4.4.2 Timeout - closing connection')
  await client.closed
})

test('a client that reads no replies is cut', async () => {
  const door = await openDoor({ sessionDeadlineMs: 300 })
  const client = await door.connect()
  client.stopReading()
  client.write('EHLO client.example\r\n'.repeat(50_000))
  await expect.poll(() => door.counts.closed, { timeout: 3_000 }).toBe(1)
})

test('a session that goes on sending mail outlives the deadline', async () => {
  const door = await openDoor({ sessionDeadlineMs: 400 })
  const client = await door.connect()
  for (let i = 0; i < 8; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await client.sendMessage(mail)).code).toBe(250)
  }
})

test('the deadline of the session does not cut a commit that is under way', async () => {
  const door = await openDoor(
    { sessionDeadlineMs: 100, idleTimeoutMs: 100 },
    {
      processMessage: async () => {
        await new Promise((resolve) => setTimeout(resolve, 500))
        return [{ result: 'duplicate' }]
      },
    },
  )
  const client = await door.connect()
  expect((await client.sendMessage(mail)).code).toBe(250)
})
