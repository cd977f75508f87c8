import {
  chmod,
  chown,
  lchown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { EmbeddedConnection } from '../../src/db/embedded.ts'
import { findPostmaster } from '../../src/db/embedded-postmaster.ts'
import { createDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { type Installation, install, startProcess, type User } from './installation.ts'

const isRoot = process.getuid?.() === 0
/** Somebody without rights; when we are nobody special ourselves, us. */
const stranger: User = isRoot
  ? { uid: 65534, gid: 65534 }
  : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

let installation: Installation
let folder: string
/** Where servers were started; some have files elsewhere. */
const dataDirs = new Set<string>()

beforeAll(async () => {
  installation = await install()
})

afterAll(async () => {
  await installation.remove()
})

beforeEach(async () => {
  folder = await createDataDirectory()
})

afterEach(async () => {
  for (const dataDir of dataDirs) await removeDataDirectory(dataDir)
  dataDirs.clear()
  await removeDataDirectory(folder)
})

describe.skipIf(!isRoot)('as root', () => {
  test('the server runs as another user, in the data directory where that user can enter', async () => {
    const daemon = await start(join(folder, 'data'))
    expect(daemon.note).toBeNull()
    expect(daemon.connection.host).toBe(join(folder, 'data/postgres'))
    expect((await stat(daemon.connection.host)).uid).not.toBe(0)
    await daemon.stop()
  })

  describe('below a folder of mode 0700', () => {
    let dataDir: string

    beforeEach(async () => {
      await chmod(folder, 0o700)
      dataDir = join(folder, 'data')
      await mkdir(dataDir)
    })

    test('the cluster stands in /var/lib/hearback, the note says so, and data is found again', async () => {
      const first = await start(dataDir)
      const cluster = await readlink(join(dataDir, 'postgres'))
      expect(cluster).toMatch(/^\/var\/lib\/hearback\/[0-9a-f]{16}\/postgres$/)
      expect(first.note).toMatch(
        `PostgreSQL runs as ${await nameOf(cluster)} and has its data in ${cluster}, ` +
          `because that user cannot enter ${dataDir}.`,
      )
      expect(first.note).not.toContain('\n')
      expect(await readFile(join(dirname(cluster), 'data-directory'), 'utf8')).toBe(`${dataDir}\n`)
      await query(first.connection, 'create table kept as select 42 as answer')
      await first.kill()
      const second = await start(dataDir)
      expect(await query(second.connection, 'select answer from kept')).toEqual([{ answer: 42 }])
      await second.stop()
      expect(await findPostmaster(cluster)).toBeNull()
    })

    test('two starters at once come to the same place', async () => {
      const both = await Promise.all([start(dataDir), start(dataDir)])
      expect(both[0]?.connection).toEqual(both[1]?.connection)
      await Promise.all(both.map((one) => one.stop()))
    })

    test('a data directory that moves keeps its data, and one made anew in its place is empty', async () => {
      const first = await start(dataDir)
      await query(first.connection, 'create table kept as select 42 as answer')
      await first.stop()
      const moved = join(folder, 'moved')
      await rename(dataDir, moved)
      const another = await start(dataDir)
      expect(await query(another.connection, `select to_regclass('kept') as kept`)).toEqual([
        { kept: null },
      ])
      const same = await start(moved)
      expect(await query(same.connection, 'select answer from kept')).toEqual([{ answer: 42 }])
      await Promise.all([another.stop(), same.stop()])
    })

    test('a data directory whose cluster is gone is not taken for an empty one', async () => {
      await (await start(dataDir)).stop()
      await rm(dirname(await readlink(join(dataDir, 'postgres'))), { recursive: true })
      await expect(start(dataDir)).rejects.toThrow(
        /the database of this data directory is not there/,
      )
      await rm(join(dataDir, 'postgres'))
      await (await start(dataDir)).stop()
    })
  })

  test('a link that another user put there is not followed', async () => {
    const dataDir = await ownedBy(stranger)
    await symlink('/var/lib/elsewhere/postgres', join(dataDir, 'postgres'))
    await mkdir('/var/lib/elsewhere')
    await lchown(join(dataDir, 'postgres'), stranger.uid, stranger.gid)
    await expect(start(dataDir)).rejects.toThrow('is a link of another user: that is not followed')
    await rm('/var/lib/elsewhere', { recursive: true })
  })

  test('a log file that another user turned into a link is not written', async () => {
    const dataDir = await ownedBy(stranger)
    await symlink(join(folder, 'target'), join(dataDir, 'postgres.log'))
    await expect(start(dataDir)).rejects.toThrow('ELOOP')
    expect(await readdir(folder)).not.toContain('target')
  })

  test('folders that are closed after the first start are named, and no second cluster is made', async () => {
    const dataDir = join(folder, 'data')
    await (await start(dataDir)).stop()
    await chmod(folder, 0o700)
    await expect(start(dataDir)).rejects.toThrow(/who cannot enter that folder any more/)
    expect((await lstat(join(dataDir, 'postgres'))).isDirectory()).toBe(true)
  })

  test('a cluster of another user is run as that user', async () => {
    const dataDir = await ownedBy(stranger)
    await (await start(dataDir, stranger)).stop()
    const asRoot = await start(dataDir)
    expect(asRoot.connection.host).toBe(join(dataDir, 'postgres'))
    expect((await stat(join(dataDir, 'postgres/postmaster.pid'))).uid).toBe(stranger.uid)

    const beside = await start(dataDir, stranger)
    expect(await query(beside.connection, 'select 1 as one')).toEqual([{ one: 1 }])
    await beside.stop()
    await asRoot.stop()
  })

  test('who is neither the owner nor root is told so', async () => {
    const dataDir = join(folder, 'data')
    await (await start(dataDir, undefined)).stop()
    const owner = await nameOf(join(dataDir, 'postgres'))
    await expect(start(dataDir, { uid: 12345, gid: 12345 })).rejects.toThrow(
      `belongs to the user ${owner}: run this command as ${owner} or as root`,
    )
  })
})

test('a normal user runs it in a directory that nobody else can enter', async () => {
  const dataDir = await ownedBy(stranger)
  const first = await start(dataDir, stranger)
  expect(first.note).toBeNull()
  expect((await stat(join(dataDir, 'postgres'))).uid).toBe(stranger.uid)
  await query(first.connection, 'create table kept as select 42 as answer')
  await first.kill()
  const second = await start(dataDir, stranger)
  expect(await query(second.connection, 'select answer from kept')).toEqual([{ answer: 42 }])
  await second.stop()
})

test('names with blanks, commas and quotes do no harm', async () => {
  const dataDir = join(folder, `a, "b" 'c' $HOME ü`)
  const command = await start(dataDir)
  expect(await query(command.connection, 'select 1 as one')).toEqual([{ one: 1 }])
  await command.stop()
})

function start(dataDir: string, user?: User) {
  dataDirs.add(dataDir)
  return startProcess(installation, { dataDir, ...(user === undefined ? {} : { user }) })
}

/** A data directory of mode 0700 that belongs to the user. */
async function ownedBy({ uid, gid }: User): Promise<string> {
  const dataDir = join(folder, `of-${uid}`)
  await mkdir(dataDir, { mode: 0o700 })
  if (isRoot) await chown(dataDir, uid, gid)
  return dataDir
}

async function nameOf(path: string): Promise<string> {
  const { uid } = await stat(path)
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n')
  return (
    accounts.map((line) => line.split(':')).find((fields) => fields[2] === String(uid))?.[0] ?? ''
  )
}

async function query(connection: EmbeddedConnection, text: string) {
  const sql = postgres({ ...connection, max: 1, onnotice: () => undefined })
  try {
    return [...(await sql.unsafe(text))]
  } finally {
    await sql.end()
  }
}
