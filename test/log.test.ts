import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createTestDatabase } from './support/database.ts'
import { connectSmtp } from './support/smtp-client.ts'

const dist = join(import.meta.dirname, '../dist')

/** What a program that runs `body` with a log of level `info` writes to standard error. */
function logged(body: string): { code: number | null; lines: Record<string, unknown>[] } {
  const program = `import { createLog } from '${dist}/log.js'; const log = createLog('info'); ${body}`
  const args = ['--input-type=module', '-e', program]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return {
    code: status,
    lines: stderr
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  }
}

test('errors are logged without the addresses and rows that they quote', () => {
  const { lines } = logged(`
    const cause = { detail: 'Key (email)=(jane@customer.example) exists', code: '23505' }
    log.error({ err: Object.assign(new Error('no <jane@customer.example>'), cause) }, 'failed')`)
  expect(lines).toEqual([
    expect.objectContaining({
      msg: 'failed',
      err: expect.objectContaining({ message: 'no <…>', code: '23505' }),
    }),
  ])
  expect(JSON.stringify(lines)).not.toContain('customer')
})

test('whatever was thrown can be logged', () => {
  const { code, lines } = logged(`
    for (const err of [undefined, null, 'text', 7, { a: 1 }]) log.error({ err }, 'failed')`)
  expect(code).toBe(0)
  expect(lines.map(({ msg }) => msg)).toEqual(Array(5).fill('failed'))
})

test.skipIf(!existsSync('/dev/full'))(
  'mail is taken while the disk under all output is full',
  async () => {
    const database = await createTestDatabase()
    const port = await freePort()
    const child = spawn(
      'bash',
      ['-c', `exec "${process.execPath}" "${dist}/main.js" >/dev/full 2>&1`],
      {
        stdio: 'ignore',
        env: {
          DATABASE_URL: database.url,
          HEARBACK_SECRET: 'a secret of the tests, long enough',
          HEARBACK_BOOTSTRAP_DOMAIN: 'bounce.test',
          HEARBACK_SMTP_PORT: String(port),
          HEARBACK_HTTP_PORT: '0',
          HEARBACK_ADMIN_PORT: '0',
        },
      },
    )
    const ended = new Promise((resolve) => child.once('exit', (...how) => resolve(how)))
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await ended
      await database.drop()
    })
    const smtp = { host: '127.0.0.1', port }
    const isReady = () => connectSmtp(smtp).then((client) => client.close().then(() => true))
    await expect.poll(() => isReady().catch(() => false), { timeout: 15_000 }).toBe(true)
    const client = await connectSmtp(smtp)
    onTestFinished(() => client.close())
    await client.command('EHLO client.example')
    for (let i = 0; i < 3; i++) {
      const message = {
        mailFrom: '',
        rcptTo: ['bounces@bounce.test'],
        data: `Subject: ${i}\r\n\r\n`,
      }
      expect((await client.sendMessage(message)).text).toMatch(/^250 2\.0\.0 Ok /)
    }
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  },
)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}
