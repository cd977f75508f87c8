import { connect } from 'node:net'
import { expect, test } from 'vitest'
import type { Outcome } from '../../src/feedback/feedback.ts'
import type { SmtpClient } from '../support/smtp-client.ts'
import { mail, openDoor } from './door.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function beginData(client: SmtpClient): Promise<void> {
  await client.command('MAIL FROM:<>')
  await client.command('RCPT TO:<bounces@own.example>')
  await client.command('DATA')
}

test('idle clients get 421 at once, what is under way gets its reply, nobody new comes in', async () => {
  let finish = () => {}
  const door = await openDoor(
    {},
    {
      processMessage: () => {
        return new Promise<Outcome[]>((resolve) => {
          finish = () => resolve([{ result: 'duplicate' }])
        })
      },
    },
  )
  const [idle, sending, waiting] = [
    await door.connect(),
    await door.connect(),
    await door.connect(),
  ]
  await beginData(sending)
  const committed = waiting.sendMessage(mail)
  await expect.poll(() => door.messages.length).toBe(1)

  const closed = door.server.close()

  expect((await idle.reply()).text).toBe('421 4.3.2 Shutting down')
  await idle.closed
  await expect(refused(door.address)).resolves.toBe('ECONNREFUSED')
  finish()
  expect((await committed).code).toBe(250)
  await waiting.closed
  sending.write('Subject: slow\r\n\r\n.\r\n')
  await expect.poll(() => door.messages.length).toBe(2)
  finish()
  expect((await sending.reply()).code).toBe(250)
  expect((await sending.reply()).code).toBe(421)
  await closed
  await expect.poll(() => door.counts.closed).toBe(3)
})

test('nobody can hold up the end: not a slow sender, not a hanging commit, not a deaf client', async () => {
  const door = await openDoor(
    { closeDeadlineMs: 300 },
    { processMessage: () => new Promise(() => {}) },
  )
  const [slow, hanging, deaf] = [await door.connect(), await door.connect(), await door.connect()]
  await beginData(slow)
  const unanswered = hanging.sendMessage(mail)
  await expect.poll(() => door.messages.length).toBe(1)
  deaf.stopReading()

  const dripping = setInterval(() => slow.write('x'), 20)
  await door.server.close()
  clearInterval(dripping)

  expect((await unanswered).text).toBe('451 4.3.2 Shutting down')
  expect((await slow.reply()).code).toBe(421)
  await expect.poll(() => door.counts.closed).toBe(3)
})

test('under load every message that was processed has its 250, and the door closes', async () => {
  const door = await openDoor(
    {},
    {
      processMessage: async () => {
        await pause(5)
        return [{ result: 'recorded', feedback: [] }]
      },
    },
  )
  let accepted = 0
  const clients = await Promise.all(Array.from({ length: 20 }, () => door.connect()))
  const load = clients.map(async (client) => {
    for (;;) {
      const reply = await client.sendMessage(mail)
      if (reply.code !== 250) return reply.code
      accepted += 1
    }
  })
  await expect.poll(() => accepted).toBeGreaterThan(100)

  await door.server.close()

  expect(new Set(await Promise.all(load))).toEqual(new Set([421]))
  expect(accepted).toBe(door.messages.length)
  await expect.poll(() => door.counts.closed).toBe(20)
})

test('closing twice, and closing a door that never opened, is no trouble', async () => {
  const door = await openDoor()
  await Promise.all([door.server.close(), door.server.close()])
})

test('a port that is taken is told to who opens the door', async () => {
  const door = await openDoor()
  await expect(openDoor({ port: door.address.port })).rejects.toThrow('EADDRINUSE')
})

function refused(address: { host: string; port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    connect(address)
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
      .on('connect', () => reject(new Error('connected')))
  })
}
