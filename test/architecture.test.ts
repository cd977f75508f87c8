import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const src = resolve(import.meta.dirname, '../src')

/** Everything outside the folders: the composition, which may import all of them. */
const root = '(root)'
/** Usable wherever there is something to log, count or configure. */
const everywhere = ['log.ts', 'metrics.ts', 'config.ts']

const storing = ['feedback', 'db']
const stages = ['parse', 'classify', 'attribute', 'record', 'suppression', 'publish', 'tenant']
const mayImport: Record<string, readonly string[]> = {
  feedback: [],
  parse: ['feedback'],
  classify: ['feedback'],
  db: [],
  attribute: storing,
  record: storing,
  suppression: storing,
  publish: storing,
  tenant: storing,
  token: ['feedback', 'attribute'],
  nodemailer: ['token'],
  receive: ['feedback'],
  http: [...storing, 'attribute', 'record', 'suppression', 'publish', 'tenant'],
  cli: [...storing, ...stages, root],
  [root]: [...storing, ...stages, 'receive', 'http', 'cli', root],
}
const withoutDaemon = ['feedback', 'parse', 'classify']

/** Who owns which table; only there its name stands in SQL. */
const tables: Record<string, readonly string[]> = {
  db: ['migration'],
  tenant: ['tenant', 'api_key', 'inbound_domain', 'recipient_page'],
  attribute: ['signing_key'],
  record: [
    'message_digest',
    'received_message',
    'raw_message',
    'feedback',
    'audit_entry',
    'daily_figure',
    'daily_figure_progress',
    'daily_figure_recount',
    'bounce_rate',
  ],
  suppression: [
    'suppression',
    'suppression_count',
    'suppression_group',
    'erased_address',
    'import_job',
    'import_chunk',
  ],
  http: ['idempotency_key'],
  publish: ['outbox', 'webhook_endpoint', 'webhook_delivery'],
}

describe('who may import whom', () => {
  test('the sources keep to the rule', () => {
    expect(sourceFiles().flatMap((file) => forbiddenImports(file, read(file)))).toEqual([])
  })

  test.each([
    ['parse/parse.ts', `import { classify } from '../classify/classify.ts'`],
    ['parse/parse.ts', `import { createPipeline } from '../pipeline.ts'`],
    ['feedback/report.ts', `import type { Sql } from '../db/sql.ts'`],
    ['classify/rules.ts', `import { createLog } from '../log.ts'`],
    ['record/messages.ts', `export { addSuppressions } from '../suppression/add.ts'`],
    ['suppression/add.ts', `import { readConfig } from '../config.ts'`],
    ['receive/reply.ts', `const { connect } = await import('../db/sql.ts')`],
    ['http/app.ts', `import { processMessage } from '../pipeline.ts'`],
    ['cli/cli.ts', `import '../main.ts'`],
    ['cli/cli.ts', `import { createApp } from '../http/app.ts'`],
    ['daemon.ts', `import './main.ts'`],
    ['token/token.ts', `import type { Sql } from '../db/sql.ts'`],
    ['nodemailer/check.ts', `import { createKeyring } from '../attribute/keyring.ts'`],
    ['http/app.ts', `import { readSigningKey } from '../token/token.ts'`],
  ])('in %s it is forbidden to say %s', (file, text) => {
    expect(forbiddenImports(file, text)).toHaveLength(1)
  })

  test('the readers of strangers’ bytes are imported in one place each', () => {
    const importers = (name: string) =>
      sourceFiles().filter((file) => new RegExp(`from '${name}'`).test(read(file)))
    expect(importers('mailparser').length).toBeLessThanOrEqual(1)
    expect(importers('smtp-server').every((file) => file.startsWith('receive/'))).toBe(true)
    expect(importers('express').every((file) => file.startsWith('http/'))).toBe(true)
    expect(importers('redis')).toEqual(['db/redis.ts'])
  })

  test('the modules for other programs bring nothing along', () => {
    expect(packagesBehind('token/token.ts')).toEqual(['node:crypto', 'node:url'])
    expect(packagesBehind('nodemailer/nodemailer.ts')).toEqual([
      'node:crypto',
      'node:url',
      'nodemailer/lib/mail-composer',
    ])
  })
})

describe('one table, one folder', () => {
  test('the sources keep to the rule', () => {
    expect(sourceFiles().flatMap((file) => foreignTables(file, read(file)))).toEqual([])
  })

  test('every table has an owner', () => {
    const folder = 'db/migrations'
    const made = readdirSync(join(src, folder)).flatMap((file) => [
      ...read(join(folder, file)).matchAll(/^create table (\w+)/gm),
    ])
    expect(made.map(([, name]) => name).sort()).toEqual(
      Object.values(tables)
        .flat()
        .filter((name) => name !== 'migration')
        .sort(),
    )
  })

  test.each([
    ['http/v3/bounces.ts', 'sql`select 1 from suppression`'],
    ['suppression/add.ts', 'sql`\n  insert into outbox (seq) values (1)`'],
    ['record/messages.ts', 'sql`update suppression_count set entries = 0`'],
    ['publish/outbox.ts', 'sql`delete from feedback`'],
    ['attribute/keyring.ts', 'sql`select 1 from signing_key join tenant using (tenant_id)`'],
  ])('in %s it is forbidden to say %s', (file, text) => {
    expect(foreignTables(file, text)).toHaveLength(1)
  })
})

function forbiddenImports(file: string, text: string): string[] {
  const found = text.matchAll(
    /^(import|export)?[^'"\n]*?(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/gm,
  )
  return [...found]
    .map(([statement, , path = '']) => ({
      statement,
      target: relative(src, resolve(src, dirname(file), path)),
    }))
    .filter(({ statement, target }) => !isAllowed(file, target, /^import type\b/.test(statement)))
    .map(({ target }) => `${file} imports ${target}`)
}

function isAllowed(file: string, target: string, isType: boolean): boolean {
  const [from, to] = [folderOf(file), folderOf(target)]
  if (target === 'main.ts') return false
  if (from === to) return true
  if (everywhere.includes(target) && !withoutDaemon.includes(from)) {
    return target !== 'config.ts' || isType || mayImport[from]?.includes(root) === true
  }
  return mayImport[from]?.includes(to) === true
}

/** What a file imports from outside, itself or through files of ours. */
function packagesBehind(start: string): string[] {
  const packages = new Set<string>()
  const files = new Set([start])
  for (const file of files) {
    for (const [, name = ''] of read(file).matchAll(/\b(?:from|import\(?) ?'([^']+)'/g)) {
      if (name.startsWith('.')) files.add(join(dirname(file), name))
      else packages.add(name)
    }
  }
  return [...packages].sort()
}

function foreignTables(file: string, text: string): string[] {
  const templates = [...text.matchAll(/sql(?:<[^`]*>)?`([^`]*)`/g)].map(([, sql = '']) => sql)
  return Object.entries(tables)
    .filter(([owner]) => owner !== folderOf(file))
    .flatMap(([, names]) => names)
    .filter((name) => templates.some((template) => names(template, name)))
    .map((name) => `${file} names table ${name}`)
}

function names(template: string, table: string): boolean {
  return new RegExp(`\\b(?:from|into|update|join|using)\\s+${table}\\b|null::${table}\\b`).test(
    template,
  )
}

function folderOf(file: string): string {
  return file.includes('/') ? (file.split('/')[0] ?? root) : root
}

function sourceFiles(): string[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
}

function read(file: string): string {
  return readFileSync(join(src, file), 'utf8')
}
