import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { findPostmaster } from '../../src/db/embedded-postmaster.ts'
import { type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { createDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { apiKey } from './api.ts'
import { startLoad } from './load.ts'
import { deliveryStatus, send } from './mail.ts'

let dataDir: string
let env: Record<string, string>
const domain = 'bounce.shop.example'
const rcptTo = `bounces@${domain}`

beforeAll(async () => {
  dataDir = await createDataDirectory()
  env = {
    HEARBACK_DATA_DIR: dataDir,
    HEARBACK_BOOTSTRAP_API_KEY: apiKey,
    HEARBACK_BOOTSTRAP_DOMAIN: domain,
  }
})

afterAll(() => removeDataDirectory(dataDir))

async function start(): Promise<RunningDaemon> {
  const daemon = await startDaemon(env)
  onTestFinished(async () => void (await daemon.kill()))
  return daemon
}

/** How often each recipient stands in the history. */
async function stored(): Promise<Map<string, number>> {
  const postmaster = await findPostmaster(join(dataDir, 'postgres'))
  if (postmaster === null) throw new Error('no server')
  const { socketDirectory: host, port } = postmaster
  const sql = postgres({ host, port, user: 'hearback', database: 'hearback' })
  const rows = await sql<{ recipient: string; times: number }[]>`
    select recipient, count(*)::int as times from feedback group by recipient`
  await sql.end()
  return new Map(rows.map(({ recipient, times }) => [recipient, times]))
}

async function postmasterPid(): Promise<number> {
  return Number((await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0])
}

test('kill -9 under load, five times: nothing that was acknowledged is lost or doubled', async () => {
  let daemon = await start()
  const pid = await postmasterPid()
  for (let round = 0; round < 5; round++) {
    const load = startLoad(daemon, { rcptTo, clients: 8, name: `round-${round}` })
    await load.more(20 + 30 * round)
    await daemon.kill()
    await load.end()

    daemon = await start()

    const rows = await stored()
    expect(load.acknowledged.filter((recipient) => !rows.has(recipient))).toEqual([])
    expect([...rows.values()].filter((times) => times !== 1)).toEqual([])
    const own = [...rows.keys()].filter((recipient) => recipient.startsWith(`round-${round}-`))
    expect(own.length - load.acknowledged.length, 'committed, but not answered').toBeLessThan(9)
    expect(await postmasterPid(), 'the server lives on and is adopted').toBe(pid)
  }
  expect(await daemon.stop()).toEqual({ code: 0, signal: null })
  expect(await findPostmaster(join(dataDir, 'postgres'))).toBeNull()
})

test('kill -9 of the PostgreSQL server under load: the daemon brings it back, and nothing is lost', async () => {
  const daemon = await start()
  const load = startLoad(daemon, { rcptTo, clients: 8, name: 'server' })
  await load.more(50)
  process.kill(await postmasterPid(), 'SIGKILL')
  await load.end()
  for (const reply of load.refused) expect(reply).toMatch(/^451 4\./)

  const report = deliveryStatus([{ address: 'afterwards@customer.example' }])
  for (;;) {
    const { code } = await send(daemon, rcptTo, report)
    if (code === 250) break
    expect(code).toBe(451)
  }

  const rows = await stored()
  expect(load.acknowledged.filter((recipient) => !rows.has(recipient))).toEqual([])
  expect([...rows.values()].filter((times) => times !== 1)).toEqual([])
  expect(await daemon.stop()).toEqual({ code: 0, signal: null })
})
