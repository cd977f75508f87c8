import type { z } from 'zod'
import { sniff } from '../../suppression/csv-sniff.ts'
import {
  addChunk,
  beginJob,
  countOpenJobs,
  findJob,
  giveUpJob,
  keepReceiving,
  queueJob,
} from '../../suppression/import-jobs.ts'
import type { ImportOrder } from '../../suppression/import-order.ts'
import { pieces } from '../../suppression/import-pieces.ts'
import type { ListKey } from '../../suppression/list.ts'
import { ApiError, RetryLaterError } from '../errors.ts'
import { type importJob, jobRecord } from './import-shapes.ts'
import type { Answer, Caller } from './route.ts'

const maxFileBytes = 1024 ** 3
/** Few enough for one statement, and enough to tell what the file is. */
const chunkBytes = 512 * 1024
const maxOpenJobs = 20
/** A third of the lease: a file may come so slowly that no part of it is full before that ends. */
const heartbeatMs = 10_000

type AsyncOrder = ImportOrder & { target: ListKey }

/** Keeps a file, to be worked off when the client has gone: 202 once it is stored whole. */
export async function acceptImport(
  caller: Caller,
  order: AsyncOrder,
  file: AsyncIterable<Buffer>,
  wakeImporter: () => void,
): Promise<Answer<z.infer<typeof importJob>>> {
  const { db, tenantId, now } = caller
  if ((await db.run((sql) => countOpenJobs(sql, tenantId))) >= maxOpenJobs) {
    throw new RetryLaterError(429, 'Too many imports are waiting', 60_000)
  }
  const { target, by, tellsEach } = order
  const id = await db.run((sql) => beginJob(sql, tenantId, { ...target, by, tellsEach }, now))
  const heartbeat = setInterval(() => {
    void db.run((sql) => keepReceiving(sql, tenantId, id)).catch(() => undefined)
  }, heartbeatMs)
  try {
    const chunks = await storeFile(caller, id, order, file)
    const isQueued = await db.run((sql) => queueJob(sql, tenantId, id, chunks))
    if (!isQueued) throw outlived()
  } catch (error) {
    await db.run((sql) => giveUpJob(sql, tenantId, id)).catch(() => undefined)
    throw error
  } finally {
    clearInterval(heartbeat)
  }
  wakeImporter()
  const job = await db.run((sql) => findJob(sql, tenantId, id))
  if (job === null) throw new Error('an import that was queued is gone')
  return {
    status: 202,
    body: jobRecord(job, now),
    headers: { Location: `/v3/imports/${id}`, 'Preference-Applied': 'respond-async' },
  }
}

/** In how many parts it is stored. */
async function storeFile(
  { db, tenantId }: Caller,
  id: string,
  { target, format }: AsyncOrder,
  file: AsyncIterable<Buffer>,
): Promise<number> {
  let position = 0
  let length = 0
  for await (const { bytes, isLast } of pieces(file, { firstSize: chunkBytes, size: chunkBytes })) {
    if (position === 0) sniff(bytes, isLast, { list: target.list, format })
    length += bytes.length
    if (length > maxFileBytes) throw new ApiError(413, 'The file is larger than 1 GiB')
    const chunk = { position, bytes }
    const isKept = await db.transaction((sql) => addChunk(sql, tenantId, id, chunk))
    if (!isKept) throw outlived()
    position += 1
  }
  return position
}

/** The database did not answer for longer than a lease, and whoever tidies up has been there. */
function outlived(): ApiError {
  return new RetryLaterError(503, 'Temporarily unavailable, try again', 2_000)
}
