import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { classify } from '../../src/classify/classify.ts'
import { failedExamples } from '../../src/classify/examples.ts'
import { loadRules, RulesError } from '../../src/classify/rules.ts'
import { bounceReasons } from '../../src/feedback/reason.ts'
import { builtInDirectory, builtInRules, said } from './built-in-rules.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

function folderWith(files: Record<string, unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), 'hearback-rules-'))
  folders.push(folder)
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    writeFileSync(join(folder, name), text)
  }
  return folder
}

function ruleWith(changes: Record<string, unknown>) {
  return {
    name: 'closed-for-the-season',
    text: 'closed for the season',
    bounceClass: 'soft',
    reason: 'mailbox-unavailable',
    example: '550 5.1.1 We are closed for the season',
    source: 'https://mail.example.com/replies',
    ...changes,
  }
}

describe('the built-in rules', () => {
  test('each decides its own example', () => {
    const failed = failedExamples(builtInRules).map(
      ({ rule, decidedBy }) => `${rule.name} is decided by ${decidedBy}`,
    )
    expect(failed).toEqual([])
  })

  test('name where they come from: a page, an RFC, a registry', () => {
    for (const rule of [...builtInRules.texts.rules, ...builtInRules.codes]) {
      expect(rule.source, rule.name).toMatch(/^https?:\/\/|RFC \d+|^IANA/)
    }
  })

  test('use every word of the vocabulary but unknown', () => {
    const used = new Set([...builtInRules.texts.rules, ...builtInRules.codes].map((r) => r.reason))
    expect(bounceReasons.filter((reason) => !used.has(reason) && reason !== 'unknown')).toEqual([])
  })
})

test('everything wrong in every file is reported at once, with file, rule and what to do', () => {
  const folder = folderWith({
    '10-a.json': {
      about: 'a',
      rules: [ruleWith({ reason: 'bad-luck' }), ruleWith({ text: 'closed+' })],
    },
    '20-b.json': {
      about: 'b',
      rules: [
        ruleWith({ name: 'Closed' }),
        ruleWith({ name: 'nothing', text: null }),
        ruleWith({ name: 'code', text: null, status: ['5.1'] }),
        ruleWith({ name: 'typo', exemple: '' }),
        ruleWith({ name: 'command', command: ['rcpt to'] }),
      ],
    },
    '30-c.json': '{"about": ',
    '40-d.json': [],
    'notes.txt': 'not read',
  })
  const problems = problemsOf(() => loadRules(folder))
  expect(problems.map((problem) => problem.replace(`${folder}/`, ''))).toEqual([
    '10-a.json: closed-for-the-season: reason: must be a reason of docs/classification.md',
    '20-b.json: Closed: name: must be lower-case words joined by -',
    '20-b.json: nothing: must match something: give it a text, a status or a replyCode',
    '20-b.json: code: status: 0: must read like 5.1.1, x.1.1, x.7.500-599 or x.1.x',
    '20-b.json: typo: Unrecognized key: "exemple"',
    expect.stringMatching(/^20-b\.json: command: command: 0: .*"connect"\|"helo"/),
    expect.stringMatching(/^30-c\.json: is not JSON/),
    '30-c.json: must be {"about": "…", "rules": [ … ]}',
    '40-d.json: must be {"about": "…", "rules": [ … ]}',
    expect.stringMatching(/^10-a\.json: closed-for-the-season: text has a bare "\+"/),
  ])
})

test('a folder that is not there, or holds no rules, is an error', () => {
  expect(problemsOf(() => loadRules(join(folderWith({}), 'gone')))[0]).toContain('gone')
  expect(problemsOf(() => loadRules(folderWith({})))[0]).toContain('holds no *.json')
})

describe('rules of the operator', () => {
  const own = (...rules: unknown[]) => folderWith({ 'own.json': { about: 'ours', rules } })

  test('are tried before the built-in ones, in either case of letters', () => {
    const rules = loadRules(builtInDirectory, own(ruleWith({ text: 'CLOSED\\s+for.*season' })))
    const reply = said('550 5.1.1 User unknown: we are closed for the season')
    expect(classify(rules, reply)).toEqual({
      bounceClass: 'soft',
      reason: 'mailbox-unavailable',
      rule: 'closed-for-the-season',
    })
    expect(classify(rules, said('550 5.1.1 User unknown')).bounceClass).toBe('hard')
  })

  test('may look at codes and providers too, and the first that fits wins', () => {
    const rules = loadRules(
      builtInDirectory,
      own(
        ruleWith({ name: 'at-data', command: ['data'], bounceClass: 'block' }),
        ruleWith({ name: 'there', provider: ['mail.example'], bounceClass: 'block' }),
        ruleWith({ name: 'with-code', text: null, status: ['5.1.1'] }),
        ruleWith({ name: 'anywhere' }),
      ),
    )
    const season = said('550 5.0.0 closed for the season')
    expect(classify(rules, { ...season, smtpCommand: 'data' }).rule).toBe('at-data')
    expect(classify(rules, { ...season, remoteMta: 'mx.mail.example' }).rule).toBe('there')
    expect(classify(rules, { ...season, remoteMta: 'mx.notmail.example' }).rule).toBe('anywhere')
    expect(classify(rules, said('550 5.1.1 User unknown')).rule).toBe('with-code')
  })

  test('cannot make the matcher slow', () => {
    const rules = loadRules(builtInDirectory, own(ruleWith({ text: '(a|aa)+c|^(\\w+\\s?)+!' })))
    expect(classify(rules, said(`${'a'.repeat(3000)} b`)).rule).toBe(null)
  })

  test('must compile, and must not take a name that is taken', () => {
    const folder = own(ruleWith({ text: '(unclosed' }), ruleWith({ name: 'no-such-user' }))
    expect(problemsOf(() => loadRules(builtInDirectory, folder))).toEqual([
      expect.stringMatching(/no-such-user: the name is taken/),
      expect.stringMatching(/closed-for-the-season: text .*unclosed/),
    ])
  })

  test('are held to their examples; what they override on purpose is not', () => {
    const rules = loadRules(
      builtInDirectory,
      own(
        ruleWith({ example: 'something else' }),
        ruleWith({ name: 'ours', text: 'no such user!' }),
      ),
    )
    expect(failedExamples(rules).map(({ rule }) => rule.name)).toEqual([
      'closed-for-the-season',
      'ours',
    ])
  })
})

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load()
  } catch (error) {
    if (error instanceof RulesError) return error.problems
    throw error
  }
  throw new Error('nothing was wrong')
}
