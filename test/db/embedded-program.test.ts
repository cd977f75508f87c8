import { chmod, chown, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import {
  copyInstallation,
  copyTree,
  type Installation,
  install,
  startProcess,
} from './installation.ts'

const isRoot = process.getuid?.() === 0
/** Somebody without rights. */
const stranger = { uid: 65534, gid: 65534 }

let whole: Installation
let damaged: Installation
let folder: string
let dataDir: string

beforeAll(async () => {
  whole = await install()
})

afterAll(async () => {
  await whole.remove()
})

beforeEach(async () => {
  damaged = await copyInstallation(whole)
  folder = await createDataDirectory()
  dataDir = join(folder, 'data')
})

afterEach(async () => {
  await removeDataDirectory(dataDir)
  await removeDataDirectory(folder)
  await damaged.remove()
})

test('without the install scripts of npm, the library links are made', async () => {
  await removeLinks()
  const command = await startProcess(damaged, { dataDir })
  expect(command.note).toBeNull()
  await command.stop()
})

test('where they cannot be made, a copy of the program is run', async () => {
  await removeLinks()
  const library = join(damaged.postgresPackage, 'native/lib')
  await chmod(library, 0o555)
  await mkdir(dataDir)
  if (isRoot) await chown(dataDir, stranger.uid, stranger.gid)
  const command = await startProcess(damaged, { dataDir, ...(isRoot ? { user: stranger } : {}) })
  expect(command.note).toContain(`has its program in ${join(dataDir, 'postgresql-18')}`)
  expect(command.note).toContain('library links')
  await command.stop()
  await chmod(library, 0o755)
})

test.skipIf(!isRoot)('from a checkout below a folder of mode 0700, a copy is run', async () => {
  const closed = join(folder, 'closed')
  await mkdir(closed, { mode: 0o700 })
  await copyTree(whole.directory, join(closed, 'checkout'))
  const command = await startProcess({ directory: join(closed, 'checkout') }, { dataDir })
  expect(command.note).toContain(' has its program in /var/lib/hearback/postgresql-18')
  expect(command.note).not.toContain(' has its data in ')
  expect(command.connection.host).toBe(join(dataDir, 'postgres'))
  await command.stop()
})

test('on a platform without the package, DATABASE_URL is asked for', async () => {
  await rm(damaged.postgresPackage, { recursive: true })
  const attempt = startProcess(damaged, { dataDir })
  await expect(attempt).rejects.toThrow(/no embedded PostgreSQL .* Set DATABASE_URL/)
})

async function removeLinks(): Promise<void> {
  const library = join(damaged.postgresPackage, 'native/lib')
  for (const entry of await readdir(library, { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(join(library, entry.name))
  }
}
