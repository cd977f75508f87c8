import { createReadStream, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { CommandError } from './command-error.ts'

export type ImportSource = {
  /** Unpacked. Throws a CommandError when it cannot be read. */
  bytes: AsyncIterable<Buffer>
  /** How much of it was read so far, packed as it is. */
  readBytes: () => number
  /** `null`: nobody knows. */
  totalBytes: number | null
}

/** A file, or `-` for standard input; packed with gzip or not. */
export function openImportSource(path: string): ImportSource {
  let readBytes = 0
  async function* counted(): AsyncGenerator<Buffer> {
    const stream: Readable = path === '-' ? process.stdin : createReadStream(path)
    for await (const chunk of stream) {
      readBytes += chunk.length
      yield chunk
    }
  }
  async function* readable(): AsyncGenerator<Buffer> {
    try {
      yield* unpacked(counted())
    } catch (error) {
      throw new CommandError(
        `cannot read ${path}: ${error instanceof Error ? error.message : error}`,
      )
    }
  }
  return { bytes: readable(), readBytes: () => readBytes, totalBytes: sizeOf(path) }
}

function sizeOf(path: string): number | null {
  const file = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false })
  return file?.isFile() ? file.size : null
}

/** RFC 1952 section 2.3.1 */
const gzipMagic = Buffer.from([0x1f, 0x8b])

async function* unpacked(bytes: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let begin = Buffer.alloc(0)
  for (let next = await bytes.next(); !next.done; next = await bytes.next()) {
    begin = Buffer.concat([begin, next.value])
    if (begin.length >= gzipMagic.length) break
  }
  if (!begin.subarray(0, gzipMagic.length).equals(gzipMagic)) {
    yield begin
    yield* bytes
    return
  }
  const packed = Readable.from(withBegin(begin, bytes))
  const unpacking = packed.pipe(createGunzip())
  packed.once('error', (error) => unpacking.destroy(error))
  yield* unpacking
}

async function* withBegin(begin: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield begin
  yield* rest
}
