import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { makeCertificate } from '../receive/certificate.ts'
import { hearback, type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { connectSmtp } from '../support/smtp-client.ts'
import { apiKey, bounces, secret } from './api.ts'
import { deliveryStatus } from './mail.ts'

let database: TestDatabase
let env: Record<string, string>
const domain = 'bounce.shop.example'

beforeAll(async () => {
  database = await createTestDatabase()
  env = {
    DATABASE_URL: database.url,
    HEARBACK_SECRET: secret,
    HEARBACK_BOOTSTRAP_API_KEY: apiKey,
    HEARBACK_BOOTSTRAP_DOMAIN: domain,
  }
})

afterAll(() => database.drop())

async function start(more: Record<string, string>): Promise<RunningDaemon> {
  const daemon = await startDaemon({ ...env, ...more })
  onTestFinished(async () => void (await daemon.stop()))
  return daemon
}

test('LMTP answers for every recipient of its own', async () => {
  const daemon = await start({
    HEARBACK_SMTP_PROTOCOL: 'lmtp',
    HEARBACK_HOSTNAME: 'mx.shop.example',
  })
  const client = await connectSmtp(daemon.smtp)
  onTestFinished(() => client.close())
  expect(client.greeting.text).toBe('220 mx.shop.example LMTP')
  expect((await client.command('EHLO relay.shop.example')).code).toBe(500)
  await client.command('LHLO relay.shop.example')
  await client.command('MAIL FROM:<>')
  expect((await client.command(`RCPT TO:<bounces@${domain}>`)).code).toBe(250)
  expect((await client.command('RCPT TO:<jane@elsewhere.example>')).code).toBe(550)
  expect((await client.command(`RCPT TO:<fbl@${domain}>`)).code).toBe(250)
  await client.command('DATA')
  client.write(`${deliveryStatus([{ address: 'lmtp@customer.example' }])}.\r\n`)
  const replies = [await client.reply(), await client.reply()]
  expect(replies.map(({ code }) => code)).toEqual([250, 250])
  expect((await bounces(daemon)).map(({ email }) => email)).toEqual(['lmtp@customer.example'])
})

test('STARTTLS with the key and the certificate of the operator', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearback-e2e-tls-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const { key, cert } = makeCertificate('mx.shop.example')
  const tls = {
    HEARBACK_SMTP_TLS_KEY: join(folder, 'key.pem'),
    HEARBACK_SMTP_TLS_CERT: join(folder, 'cert.pem'),
  }
  await writeFile(tls.HEARBACK_SMTP_TLS_KEY, key)
  await writeFile(tls.HEARBACK_SMTP_TLS_CERT, cert)
  const daemon = await start(tls)
  const client = await connectSmtp(daemon.smtp)
  onTestFinished(() => client.close())
  expect((await client.command('EHLO client.example')).lines).toContain('STARTTLS')
  expect(await client.startTls()).toEqual({ protocol: 'TLSv1.3', subject: 'mx.shop.example' })
  await client.command('EHLO client.example')
  const data = deliveryStatus([{ address: 'tls@customer.example' }])
  const reply = await client.sendMessage({ mailFrom: '', rcptTo: [`bounces@${domain}`], data })
  expect(reply.code).toBe(250)
  const [row] =
    await database.sql`select tls from received_message order by received_at desc limit 1`
  expect(row?.['tls']).toBe(true)
})

test('a key that does not fit its certificate ends the start with a clear line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearback-e2e-tls-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const keyFile = join(folder, 'key.pem')
  const certFile = join(folder, 'cert.pem')
  await writeFile(keyFile, makeCertificate('one.example').key)
  await writeFile(certFile, makeCertificate('two.example').cert)
  const { code, stderr } = await hearback(['serve'], {
    env: { ...env, HEARBACK_SMTP_TLS_KEY: keyFile, HEARBACK_SMTP_TLS_CERT: certFile },
  })
  expect({ code, stderr }).toEqual({
    code: 78,
    stderr: expect.stringMatching(
      /^hearback: the configuration is not usable:\n {2}HEARBACK_SMTP_TLS_KEY: .+\n$/,
    ),
  })
})

test('a secret that is not the one of this database is refused at the start', async () => {
  const daemon = await start({})
  await daemon.stop()
  for (const args of [['serve'], ['token', 'make', '--domain', domain, '--email', 'a@b.example']]) {
    const { code, stderr } = await hearback(args, {
      env: { ...env, HEARBACK_SECRET: 'another secret, as long as it' },
    })
    expect(stderr).toMatch(/^hearback: .*HEARBACK_SECRET: is not the secret that the signing keys/s)
    expect(stderr).not.toMatch(/^ +at /m)
    expect(code).toBe(78)
  }
})

test('a new tenant cannot be made under a secret that is not the one of this database', async () => {
  const { code, stderr } = await hearback(['tenant', 'add', 'second'], {
    env: { ...env, HEARBACK_SECRET: 'another secret, as long as it' },
  })
  expect(stderr).toContain('HEARBACK_SECRET: is not the secret')
  expect(code).toBe(78)
})
