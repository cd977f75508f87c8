import { expect, test } from 'vitest'
import { mail, openDoor } from './door.ts'

test('a message is processed with its envelope and answered with its outcome', async () => {
  const door = await openDoor()
  const client = await door.connect()

  const reply = await client.sendMessage({
    mailFrom: 'mailer-daemon@remote.example',
    rcptTo: ['bounces@own.example', 'fbl@own.example'],
    data: 'Subject: x\r\n\r\n.dot\r\n..two\r\n',
  })

  expect(reply.text).toBe('250 2.0.0 Ok id-1')
  expect(door.messages).toEqual([
    {
      id: 'id-1',
      receivedAt: new Date('2026-11-21T12:00:00Z'),
      envelope: {
        mailFrom: 'mailer-daemon@remote.example',
        rcptTo: ['bounces@own.example', 'fbl@own.example'],
        helo: 'client.example',
        remoteAddress: '127.0.0.1',
        tls: false,
      },
      raw: Buffer.from('Subject: x\r\n\r\n.dot\r\n..two\r\n'),
    },
  ])
  expect((await client.sendMessage(mail)).code).toBe(250)
  expect((await client.command('QUIT')).code).toBe(221)
  await client.closed
})
