import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createProgram } from '../../src/cli/cli.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearback-classify-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('one answer for every line, in order, blank lines and odd separators too', async () => {
  const replies = [
    '550 5.1.1 User unknown',
    '',
    'smtp; 452 4.2.2 Mailbox\u2028full\r',
    '554 5.7.1 Blocked using zen.spamhaus.org',
  ]
  const lines = (await run('classify', '--json', fileWith(replies.join('\n')))).trim().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      bounceClass: 'hard',
      reason: 'user-unknown',
      rule: 'user-unknown',
      status: '5.1.1',
      replyCode: 550,
    },
    { bounceClass: 'soft', reason: 'unknown', rule: null, status: null, replyCode: null },
    {
      bounceClass: 'soft',
      reason: 'mailbox-full',
      rule: 'mailbox-full',
      status: '4.2.2',
      replyCode: 452,
    },
    {
      bounceClass: 'block',
      reason: 'ip-reputation',
      rule: 'spamhaus',
      status: '5.7.1',
      replyCode: 554,
    },
  ])
})

test('a file of N lines gets N answers, with or without the last line end', async () => {
  expect((await run('classify', '--json', fileWith('a\nb\nc\n'))).trim().split('\n')).toHaveLength(
    3,
  )
  expect((await run('classify', '--json', fileWith('a\nb\n\n'))).trim().split('\n')).toHaveLength(3)
  expect((await run('classify', '--json', fileWith('a\nb'))).trim().split('\n')).toHaveLength(2)
  expect(await run('classify', '--json', fileWith(''))).toBe('')
})

test('--explain says which rule decided and what it beat', async () => {
  const text = await run('classify', '--explain', fileWith('550 5.7.1 No such account'))
  expect(text).toContain('hard  user-unknown')
  expect(text).toContain('decided: text: no-such-user: hard, user-unknown')
  expect(text).toContain('beaten: code in the text: status-not-authorized: block, policy')
})

test('a file that is not there is one clear line', async () => {
  await expect(run('classify', join(folder, 'gone'))).rejects.toThrow(/^cannot read .*gone/)
})

test('rules lint and rules test look at the rules of the operator', async () => {
  expect(await run('rules', 'test')).toMatch(/^\d+ built-in rules and 0 of yours/)
  const rule = {
    name: 'closed-for-the-season',
    text: 'closed for the season',
    bounceClass: 'soft',
    reason: 'mailbox-unavailable',
    example: '550 We are open',
    source: 'https://mail.example.com/replies',
  }
  writeFileSync(join(folder, 'own.json'), JSON.stringify({ about: 'ours', rules: [rule] }))
  expect(await run('rules', 'lint', folder)).toMatch(/and 1 of yours/)
  await expect(run('rules', 'test', folder)).rejects.toThrow(
    /own\.json: closed-for-the-season: does not decide its example \(no rule does\)/,
  )
  writeFileSync(join(folder, 'own.json'), JSON.stringify({ about: 'ours', rules: [{}] }))
  await expect(run('rules', 'lint', folder)).rejects.toThrow(/own\.json: rule 1: name/)
})

function fileWith(text: string): string {
  const file = join(folder, 'replies.txt')
  writeFileSync(file, text)
  return file
}

async function run(...args: string[]): Promise<string> {
  let output = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += text
    return true
  })
  try {
    await createProgram().parseAsync(['node', 'hearback', ...args])
  } finally {
    write.mockRestore()
  }
  return output
}
