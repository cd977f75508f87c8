import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()
const folder = mkdtempSync(join(tmpdir(), 'hearback-page-'))
afterAll(() => rmSync(folder, { recursive: true }))
const png = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1')

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const page = (verb: 'set' | 'show', ...args: string[]) =>
  ['page', verb, '--tenant', 'shop', ...args] as const

beforeAll(async () => {
  await line.run('tenant', 'add', 'shop')
})

test('what is set is shown, what is cleared is gone, the rest stays', async () => {
  expect(await line.run(...page('show'))).toMatch(/^name +-\ncolor +-\n/)
  const texts = file('texts.json', '{"default": {"footer": "Shop, Leeds"}, "de": {}}')
  const shown = await line.run(
    ...page('set', '--name', 'The Shop', '--color', '#0F7A4F', '--texts', texts),
    ...['--landing-url', 'https://shop.example/', '--logo', file('logo.png', png)],
  )
  expect(shown).toMatch(/^name +The Shop\ncolor +#0f7a4f\nlanding-url +https:\/\/shop\.example\/\n/)
  expect(shown).toMatch(/texts +de default\nlogo +image\/png, 18 bytes\n$/)
  expect(await line.run(...page('show'))).toBe(shown)
  await line.run(...page('set', '--clear', 'logo', 'landing-url'))
  expect(await line.json(...page('show'))).toMatchObject({
    name: 'The Shop',
    landing_url: null,
    logo: null,
    texts: { default: { footer: 'Shop, Leeds' } },
  })
})

test('the audit trail knows of it', async () => {
  await line.run(...page('set', '--color', '#123456', '--reason', 'autumn'))
  const entries = await line.database.sql`
    select actor_kind, action, detail -> 'page' ->> 'color' as color
    from audit_entry where reason = 'autumn'`
  expect(entries).toEqual([{ actorKind: 'command', action: 'page.update', color: '#123456' }])
})

test.each<[string, () => string[], string]>([
  ['a colour that is none', () => ['--color', 'green'], 'color: Must be a colour such as'],
  [
    'a logo that is none',
    () => ['--logo', file('a.svg', '<svg/>')],
    'logo: Must be a PNG, JPEG or',
  ],
  ['texts that are no JSON', () => ['--texts', file('b.json', '{')], 'is not JSON'],
  ['a field that is none', () => ['--clear', 'colour'], '--clear takes name, color'],
])('complains of %s', async (_name, args, complaint) => {
  expect(await line.complaint(...page('set', ...args()))).toContain(complaint)
})

test('complains of a tenant that is not there', async () => {
  expect(await line.complaint('page', 'show', '--tenant', 'nobody')).toContain('no tenant nobody')
})
