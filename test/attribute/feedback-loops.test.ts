import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createFeedOf, readFeedbackLoops } from '../../src/attribute/feedback-loops.ts'
import { feedbackLoopsFile } from '../../src/cli/package-root.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearback-loops-'))
afterAll(() => rmSync(folder, { recursive: true }))

const sender = {
  name: 'provider',
  from: ['fbl@arf.provider.example'],
  dkimDomains: ['provider.example'],
  envelopeDomains: ['bounce.provider.example'],
  source: 'https://provider.example/feedback',
}

function problemsOf(...senders: unknown[]): string[] {
  const path = join(folder, 'loops.json')
  writeFileSync(path, JSON.stringify({ about: 'tests', senders }))
  return readFeedbackLoops([path]).problems.map((line) => line.replace(`${path}: `, ''))
}

test('the built-in senders are well-formed, and each says where it is known from', () => {
  const { loops, problems } = readFeedbackLoops([feedbackLoopsFile()])
  expect(problems).toEqual([])
  const names = loops.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['yahoo', 'microsoft-jmrp', 'validity', 'cox']))
})

test('nobody who has a mailbox there can write as a built-in sender', () => {
  const { loops } = readFeedbackLoops([feedbackLoopsFile()])
  const ofUsers = /^(?:yahoo|aol|hotmail|outlook|live|gmail|comcast|cox|mail|yandex|fastmail)\.\w+$/
  const whole = loops.flatMap(({ from }) => from.filter((text) => !text.includes('@')))
  expect(whole.filter((domain) => ofUsers.test(domain))).toEqual([])
})

describe('a file of senders', () => {
  test('adds to those that are built in', () => {
    const path = join(folder, 'own.json')
    writeFileSync(path, JSON.stringify({ about: 'tests', senders: [sender] }))
    const { loops, problems } = readFeedbackLoops([feedbackLoopsFile(), path])
    expect(problems).toEqual([])
    expect(loops.at(-1)).toEqual(sender)
  })

  test.each([
    ['a name in capitals', { ...sender, name: 'Provider' }, 'name: must be lower-case words'],
    ['an address in capitals', { ...sender, from: ['FBL@provider.example'] }, 'must be an address'],
    ['a domain of other letters', { ...sender, dkimDomains: ['prövider.example'] }, 'A-labels'],
    ['nobody to come from', { ...sender, from: [] }, 'from'],
    ['no source', { ...sender, source: '' }, 'source: must be the URL'],
    ['a field too many', { ...sender, trust: true }, 'trust'],
    ['a foreign signature', { ...sender, dkimDomains: ['relay.example'] }, 'must be aligned'],
  ])('with %s is refused', (_, entry, problem) => {
    expect(problemsOf(entry).join('\n')).toContain(problem)
  })

  test('with the same name or address twice is refused', () => {
    expect(problemsOf(sender, { ...sender, from: ['a@x.provider.example'] })).toHaveLength(1)
    expect(problemsOf(sender, { ...sender, name: 'other' })).toHaveLength(1)
  })

  test.each([
    ['is not there', null],
    ['is no JSON', '{'],
    ['is something else', '[]'],
  ])('that %s is refused', (_, text) => {
    const path = join(folder, 'broken.json')
    rmSync(path, { force: true })
    if (text !== null) writeFileSync(path, text)
    expect(readFeedbackLoops([path]).problems[0]).toContain(path)
  })
})

describe('a feed is named', () => {
  const feedOf = createFeedOf([sender])

  test.each([
    [['mta7.bf1.provider.example', null], 'provider'],
    [[null, 'Bounce.Provider.example'], 'provider'],
    [['elsewhere.example', 'provider.example'], 'provider'],
    [['notprovider.example'], 'other'],
    [['provider.example.evil.example'], 'other'],
    [['', null], 'other'],
    [['...', 'x..y'], 'other'],
  ])('by %j: %s', (hosts, name) => {
    expect(feedOf(hosts)).toBe(name)
  })
})
