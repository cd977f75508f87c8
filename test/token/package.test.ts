import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const repository = resolve(import.meta.dirname, '../..')
let folder: string

/** A program of somebody else, under the strictest compiler. */
const program = `
import { createTransport, type SendMailOptions } from 'nodemailer'
import { type HearbackFields, hearback, sendEach, SuppressedError } from 'hearback/nodemailer'
import { feedbackHeaders, readSigningKey, sealedToken, signReturnPath } from 'hearback/token'

const key = readSigningKey('hbk1.1.1.0.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8.1aeb4a33')
const email = 'anna@example.net'
const domain = 'bounces.example.com'
const publicUrl = 'https://feedback.example.com'
const now = new Date('2026-11-21')
const { headers } = feedbackHeaders({ key, domain, publicUrl, email, groupId: 12, now })
const found: string = headers['X-Hearback-Ref']

const transporter = createTransport({ streamTransport: true, buffer: true })
transporter.use('stream', hearback({ key, domain, publicUrl, check: null }))
const mail: SendMailOptions & { hearback: HearbackFields } = { to: email, hearback: { groupId: 12 } }
const info = await transporter.sendMail(mail)
const [sent] = await sendEach(transporter, { from: 'a@example.com', to: [email] })
if (sent === undefined || 'error' in sent) throw new SuppressedError(email, { suppressed: true, reason: null, lists: [] })
const messageId: string = sent.info.messageId
console.log(
  JSON.stringify({
    returnPath: signReturnPath({ key, domain, email, now }),
    isSame: found === sealedToken({ key, purpose: 'reference', email, groupId: 12, now }),
    envelope: info.envelope.to,
    messageId,
  }),
)
`

const compilerOptions = {
  module: 'nodenext',
  target: 'es2022',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  types: ['node'],
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearback-package-'))
  const modules = join(folder, 'node_modules')
  await mkdir(modules)
  await symlink(repository, join(modules, 'hearback'))
  for (const name of ['nodemailer', '@types']) {
    await symlink(join(repository, 'node_modules', name), join(modules, name))
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  await writeFile(join(folder, 'program.ts'), program)
})
afterAll(() => rm(folder, { recursive: true }))

test('a program that has the package installed compiles and runs', async () => {
  await run(join(repository, 'node_modules/.bin/tsc'), ['-p', folder])
  const { stdout } = await run(process.execPath, [join(folder, 'program.js')])
  expect(JSON.parse(stdout)).toEqual({
    returnPath: 'baaaaaaabkeviv56d6nuwivfpqeqtegvjy5w2fx5y@bounces.example.com',
    isSame: true,
    envelope: ['anna@example.net'],
    messageId: expect.stringMatching(/^<.+@example\.com>$/),
  })
})
