import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeCertificate } from '../receive/certificate.ts'
import { startDaemon } from '../support/daemon.ts'
import { createTestDatabase } from '../support/database.ts'
import { connectSmtp } from '../support/smtp-client.ts'
import { secret } from './api.ts'

test('SIGHUP brings a new certificate into use, and a bad one not', async () => {
  const database = await createTestDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'hearback-tls-'))
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const install = ({ key, cert }: { key: string; cert: string }) => {
    writeFileSync(keyFile, key)
    writeFileSync(certFile, cert)
  }
  install(makeCertificate('old.own.example'))
  const daemon = await startDaemon({
    DATABASE_URL: database.url,
    HEARBACK_SECRET: secret,
    HEARBACK_SMTP_TLS_KEY: keyFile,
    HEARBACK_SMTP_TLS_CERT: certFile,
  })
  onTestFinished(async () => {
    await daemon.stop()
    await database.drop()
    rmSync(folder, { recursive: true })
  })
  const subject = async () => {
    const client = await connectSmtp(daemon.smtp)
    onTestFinished(() => client.close())
    await client.command('EHLO client.example')
    return (await client.startTls()).subject
  }
  expect(await subject()).toBe('old.own.example')

  install(makeCertificate('new.own.example'))
  process.kill(daemon.pid, 'SIGHUP')
  await daemon.said('stderr', /TLS key and certificate loaded again/)
  expect(await subject()).toBe('new.own.example')

  install({ ...makeCertificate('third.own.example'), key: makeCertificate('other.example').key })
  process.kill(daemon.pid, 'SIGHUP')
  await daemon.said('stderr', /TLS key and certificate stay as they were/)
  expect(daemon.stderr()).toContain('HEARBACK_SMTP_TLS_KEY: cannot be used with')
  expect(await subject()).toBe('new.own.example')
})
