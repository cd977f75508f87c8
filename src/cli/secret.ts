import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type Config, ConfigError } from '../config.ts'

const minLength = 16

/**
 * HEARBACK_SECRET, or the one in the data directory, made at the first start. It belongs into the
 * backup: without it the signing keys in the database are lost. Throws a ConfigError when the file
 * holds none.
 */
export function secretInForce({ secret, dataDir }: Pick<Config, 'secret' | 'dataDir'>): string {
  if (secret !== null) return secret
  const path = join(dataDir, 'secret')
  const found = readSecret(path) ?? makeSecret(path)
  if (found.length >= minLength) return found
  throw new ConfigError([
    `HEARBACK_SECRET: the file ${path} holds no secret of ${minLength} characters or more; put the one of your backup there, or remove the file when nothing was signed yet`,
  ])
}

function readSecret(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw error
  }
}

/**
 * Whoever comes first decides; nobody ever sees a half-written one, and none is used before it would
 * survive a power cut: keys may be stored under it a moment later.
 */
function makeSecret(path: string): string {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
  flush(draft)
  try {
    linkSync(draft, path)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  } finally {
    rmSync(draft)
  }
  flush(dirname(path))
  return readFileSync(path, 'utf8').trim()
}

function flush(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
