import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/cli/package-root.ts'

export type Messages = { name: string; directory: string; files: string[]; raws: Buffer[] }

/** Labelled real mail beside the checkout where there is some, else the samples. */
export function loadMessages(): Messages {
  const corpus = join(packageRoot(), '../shared/corpus/open')
  const directory = existsSync(corpus) ? corpus : join(packageRoot(), 'samples')
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.json'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  const name = `${files.length} ${existsSync(corpus) ? 'real messages' : 'samples'}`
  return { name, directory, files, raws: files.map((file) => readFileSync(file)) }
}

/** Those with a machine-readable delivery status (RFC 3464). */
export function standardReports(raws: readonly Buffer[]): Buffer[] {
  return raws.filter((raw) =>
    /^content-type: *message\/delivery-status/im.test(raw.toString('latin1')),
  )
}
