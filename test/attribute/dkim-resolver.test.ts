import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createTxtResolver,
  type ResolveTxt,
  rememberAnswers,
  type TxtAnswer,
} from '../../src/attribute/dkim-resolver.ts'
import { type DnsServer, startDnsServer } from '../support/dns-server.ts'

let dns: DnsServer

beforeAll(async () => {
  dns = await startDnsServer()
})
afterAll(() => dns.close())

describe('a TXT record', () => {
  test('of several strings is one text', async () => {
    const long = `v=DKIM1; p=${'A'.repeat(600)}`
    dns.records.set('s._domainkey.a.example', [long, 'another'])
    const resolve = createTxtResolver([dns.address])
    expect(await resolve('s._domainkey.a.example')).toEqual({
      result: 'found',
      texts: [long, 'another'],
    })
  })

  test('that is not there is absent, and not a failure', async () => {
    expect(await createTxtResolver([dns.address])('gone.a.example')).toEqual({ result: 'absent' })
  })

  test('is given up when nobody answers', async () => {
    dns.silent.add('silent.a.example')
    expect(await createTxtResolver([dns.address])('silent.a.example')).toEqual({ result: 'failed' })
  })

  test('is a failure when the name cannot be asked for', async () => {
    expect(await createTxtResolver([dns.address])(`${'a'.repeat(300)}.example`)).toMatchObject({
      result: expect.stringMatching(/absent|failed/),
    })
  })
})

describe('an answer is remembered', () => {
  let now = 0
  let asked: string[] = []
  const answering = (answer: TxtAnswer): ResolveTxt => {
    asked = []
    now = 0
    const resolve: ResolveTxt = async (name) => {
      asked.push(name)
      return answer
    }
    return rememberAnswers(resolve, () => now)
  }

  test.each([
    ['found', { result: 'found', texts: ['x'] }, 599_999, 600_001],
    ['absent', { result: 'absent' }, 59_999, 60_001],
    ['failed', { result: 'failed' }, 4_999, 5_001],
  ] as const)('for a while when it is %s', async (_, answer, still, again) => {
    const resolve = answering(answer)
    expect(await resolve('a.example')).toEqual(answer)
    now = still
    await resolve('a.example')
    expect(asked).toHaveLength(1)
    now = again
    await resolve('a.example')
    expect(asked).toHaveLength(2)
  })

  test('for all who ask at once', async () => {
    const resolve = answering({ result: 'absent' })
    await Promise.all([resolve('a.example'), resolve('a.example'), resolve('a.example')])
    expect(asked).toEqual(['a.example'])
  })

  test('for so many names that thousands of made-up ones push out the old', async () => {
    const resolve = answering({ result: 'absent' })
    for (let n = 0; n < 1_001; n++) await resolve(`${n}.example`)
    await resolve('1000.example')
    expect(asked).toHaveLength(1_001)
    await resolve('0.example')
    expect(asked).toHaveLength(1_002)
  })
})

test('not all of a thousand names are asked for at once', async () => {
  let asked = 0
  const resolve = rememberAnswers(async () => {
    asked++
    return { result: 'absent' }
  })
  const names = Array.from({ length: 1_000 }, (_, n) => `${n}.example`)
  const answers = await Promise.all(names.map(resolve))
  expect(asked).toBe(50)
  expect(answers.filter(({ result }) => result === 'failed')).toHaveLength(950)
})

test('a resolver that throws is one that failed', async () => {
  const resolve = rememberAnswers(() => Promise.reject(new Error('no network')))
  expect(await resolve('a.example')).toEqual({ result: 'failed' })
})
