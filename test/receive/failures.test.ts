import { expect, test } from 'vitest'
import type { Outcome } from '../../src/feedback/feedback.ts'
import { SmtpRejection } from '../../src/receive/smtp-rejection.ts'
import type { RecipientVerdict } from '../../src/receive/transaction.ts'
import { mail, openDoor, recorded } from './door.ts'

const driverError = () =>
  Object.assign(new Error('connect ECONNREFUSED /run/secret/.s.PGSQL.5432'), {
    code: 'ECONNREFUSED',
  })
const never = () => new Promise<never>(() => {})
const laterPlease = '451 4.3.0 Temporary failure, try again later'

const brokenChecks: Record<string, () => Promise<RecipientVerdict>> = {
  'rejects with an error of the database driver': () => Promise.reject(driverError()),
  throws: () => {
    throw driverError()
  },
  'rejects with nothing': () => Promise.reject(undefined),
  'never answers': never,
  'answers nonsense': () => Promise.resolve(null as unknown as RecipientVerdict),
}

test.each(Object.entries(brokenChecks))(
  'RCPT TO is put off, not refused, when the check %s',
  async (_, checkRecipient) => {
    let isBroken = true
    const door = await openDoor(
      { commitTimeoutMs: 100 },
      {
        checkRecipient: () => {
          return isBroken ? checkRecipient() : Promise.resolve({ result: 'accepted' })
        },
      },
    )
    const client = await door.connect()

    expect((await client.sendMessage(mail)).text).toBe(laterPlease)

    expect(door.counts).toMatchObject({ failed: 1, rejected: [] })
    isBroken = false
    await client.command('RSET')
    expect((await client.sendMessage(mail)).code).toBe(250)
  },
)

const brokenPipelines: Record<string, () => Promise<readonly Outcome[]>> = {
  'rejects with an error of the database driver': () => Promise.reject(driverError()),
  throws: () => {
    throw driverError()
  },
  'rejects with nothing': () => Promise.reject(undefined),
  'never ends': never,
  'returns too few outcomes': () => Promise.resolve([]),
  'returns too many outcomes': () => Promise.resolve([recorded(), recorded()]),
}

test.each(Object.entries(brokenPipelines))(
  'a message is put off and the session lives when processing %s',
  async (_, processMessage) => {
    let isBroken = true
    const door = await openDoor(
      { commitTimeoutMs: 100 },
      { processMessage: async () => (isBroken ? processMessage() : [recorded()]) },
    )
    const client = await door.connect()

    expect((await client.sendMessage(mail)).text).toBe(laterPlease)

    expect(door.counts).toMatchObject({ failed: 1, received: 0 })
    isBroken = false
    expect((await client.sendMessage(mail)).code).toBe(250)
  },
)

test('the cause stands in the log', async () => {
  const door = await openDoor({}, { processMessage: () => Promise.reject(driverError()) })
  const client = await door.connect()
  await client.sendMessage(mail)
  expect(door.log()).toContain('.s.PGSQL.5432')
})

test('every kind of outcome is the same 250: only the log tells them apart', async () => {
  const outcomes: Outcome[] = [
    { result: 'recorded', feedback: [] },
    { result: 'duplicate' },
    { result: 'ignored', reason: 'not-failed' },
    { result: 'unattributed', reason: 'no token' },
    { result: 'quarantined', reason: 'unreadable' },
  ]
  let next: Outcome[] = []
  const door = await openDoor({}, { processMessage: async () => next })
  const client = await door.connect()

  for (const outcome of outcomes) {
    next = [outcome]
    const reply = await client.sendMessage(mail)
    expect(reply.text).toMatch(/^250 2\.0\.0 Ok id-\d$/)
    expect(door.log()).toContain(`"results":["${outcome.result}"]`)
  }
  next = [recorded(), { result: 'duplicate' }, recorded()]
  const rcptTo = ['a@own.example', 'b@own.example', 'c@own.example']
  const reply = await client.sendMessage({ ...mail, rcptTo })
  expect(reply.text).toBe('250 2.0.0 Ok id-6')
})

test('a refusal by the pipeline keeps its own words', async () => {
  const refusal = new SmtpRejection(452, '4.3.1', 'Too busy')
  const door = await openDoor({}, { processMessage: () => Promise.reject(refusal) })
  const client = await door.connect()
  expect((await client.sendMessage(mail)).text).toBe('452 4.3.1 Too busy')
  expect(door.counts).toMatchObject({ failed: 0, rejected: ['4.3.1'] })
})

test('LMTP: a failure is told to every recipient, and so is success', async () => {
  let outcomes: Promise<Outcome[]> = Promise.reject(driverError())
  outcomes.catch(() => {})
  const door = await openDoor({ lmtp: true }, { processMessage: () => outcomes })
  const client = await door.connect()
  const message = { ...mail, rcptTo: ['a@own.example', 'b@own.example', 'A@own.example'] }

  expect((await client.sendMessage(message)).text).toBe(laterPlease)
  expect((await client.reply()).text).toBe(laterPlease)
  expect((await client.reply()).text).toBe(laterPlease)

  outcomes = Promise.resolve([recorded(), { result: 'duplicate' }])
  expect((await client.sendMessage(message)).text).toBe('250 2.0.0 Ok id-2')
  expect((await client.reply()).text).toBe('250 2.0.0 Ok id-2')
  expect((await client.reply()).text).toBe('250 2.0.0 Ok id-2')
  expect(door.messages[1]?.envelope.rcptTo).toEqual(['a@own.example', 'b@own.example'])
})

test.each(['end', 'reset'] as const)(
  'a message whose client goes away before the final dot is not processed (%s)',
  async (goAway) => {
    const door = await openDoor()
    const client = await door.connect()
    await client.command('MAIL FROM:<>')
    await client.command('RCPT TO:<bounces@own.example>')
    await client.command('DATA')
    client.write('Subject: x\r\n\r\nhalf a mess')
    await expect.poll(() => door.counts.opened).toBe(1)

    client[goAway]()

    await expect.poll(() => door.counts.closed).toBe(1)
    const next = await door.connect()
    expect((await next.sendMessage(mail)).code).toBe(250)
    expect(door.messages).toHaveLength(1)
  },
)
