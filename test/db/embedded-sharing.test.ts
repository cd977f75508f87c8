import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findPostmaster } from '../../src/db/embedded-postmaster.ts'
import { createDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { type EmbeddedProcess, type Installation, install, startProcess } from './installation.ts'

let installation: Installation
let dataDir: string

beforeAll(async () => {
  installation = await install()
  dataDir = await createDataDirectory()
})

afterAll(async () => {
  await removeDataDirectory(dataDir)
  await installation.remove()
})

test('any number of starters at once on an empty directory share one server', async () => {
  const all = await Promise.all([start('daemon'), start('command'), start('command')])
  await Promise.all(all.map(useIt))
  expect((await log()).match(/ready to accept connections/g)).toHaveLength(1)
  await Promise.all(all.map((one) => one.stop()))
  expect(await server()).toBeNull()
})

test('a second daemon hears after ten seconds who has its data directory', async () => {
  const first = await start('daemon')
  const startedAt = performance.now()
  await expect(start('daemon')).rejects.toThrow(
    `Another hearback daemon uses the data directory ${dataDir} (hearback daemon, process ${first.pid})`,
  )
  expect(performance.now() - startedAt).toBeGreaterThan(9_900)
  await useIt(first)
  await first.stop()
})

test('a daemon takes over from one that ends within these ten seconds', async () => {
  const first = await start('daemon')
  const second = start('daemon')
  await sleep(500)
  await first.stop()
  await useIt(await second)
  await (await second).stop()
  expect(await server()).toBeNull()
})

test('a command beside a running daemon uses its server and leaves it running', async () => {
  const daemon = await start('daemon')
  const before = await server()
  const command = await start('command')
  await useIt(command)
  await command.stop()
  expect(await server()).toEqual(before)
  await useIt(daemon)
  await daemon.stop()
})

test('a command alone starts the server for its duration', async () => {
  const command = await start('command')
  await useIt(command)
  await command.stop()
  expect(await server()).toBeNull()
})

test('a server that a command started stays with the daemon that came meanwhile', async () => {
  const command = await start('command')
  const daemon = await start('daemon')
  await command.stop()
  await useIt(daemon)
  await daemon.stop()
  expect(await server()).toBeNull()
})

test('a daemon that ends leaves the server to a command that still works', async () => {
  const daemon = await start('daemon')
  const command = await start('command')
  await daemon.stop()
  await useIt(command)
  await command.stop()
  expect(await server()).toBeNull()
})

test('commands that come and go at once never pull the server from under each other', async () => {
  await Promise.all(
    [1, 2, 3].map(async () => {
      for (let round = 0; round < 6; round++) {
        const command = await start('command')
        await useIt(command)
        await command.stop()
      }
    }),
  )
  expect(await server()).toBeNull()
  expect(await log()).not.toMatch(/immediate shutdown|not properly shut down/)
})

function start(purpose: 'daemon' | 'command') {
  return startProcess(installation, { dataDir, purpose })
}

/** Two statements on new connections, as the pool of that process would do it. */
async function useIt({ connection }: EmbeddedProcess): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const sql = postgres({ ...connection, max: 1, onnotice: () => undefined })
    await sql`create table if not exists visit (process integer)`.catch((error) => {
      // Two at once: `if not exists` does not cover that.
      if (!['23505', '42P07'].includes(error.code)) throw error
    })
    await sql`insert into visit values (1)`
    await sql.end()
  }
}

function server() {
  return findPostmaster(join(dataDir, 'postgres'))
}

function log() {
  return readFile(join(dataDir, 'postgres.log'), 'utf8')
}
