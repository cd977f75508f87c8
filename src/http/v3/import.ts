import { z } from 'zod'
import { ImportFileError } from '../../suppression/csv-sniff.ts'
import {
  type ImportOrder,
  type ImportResult,
  UnknownGroupError,
} from '../../suppression/import-order.ts'
import type { ListKey } from '../../suppression/list.ts'
import { ApiError } from '../errors.ts'
import { demandGroup, groupInPath, notFound } from './groups.ts'
import { acceptImport } from './import-async.ts'
import { importJob, importResult, resultRecord } from './import-shapes.ts'
import { type Answer, type Call, type Route, route } from './route.ts'

export type ImportDeps = {
  /** Resolves when all of the file is committed; a part of it is when it rejects. */
  importFile: (order: ImportOrder, file: AsyncIterable<Buffer>) => Promise<ImportResult>
  /** Says that an import waits. */
  wakeImporter: () => void
}

const query = z.object({
  events: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe('Whether each address that is new becomes an event of its own'),
})

const bounceQuery = query.extend({
  bounce_type: z
    .enum(['hard', 'soft', 'block'])
    .default('hard')
    .describe('Of rows that do not say it'),
})

/** A call takes the whole file, or with `Prefer: respond-async` only receives it. */
export function createImportRoutes(deps: ImportDeps): readonly Route[] {
  const shape = {
    method: 'post',
    scope: 'suppressions.write',
    takesCsv: true,
    responses: { 200: importResult, 202: importJob },
  } as const
  return [
    route(
      {
        ...shape,
        path: '/suppression/bounces/import',
        tag: 'Bounces',
        summary: 'Import bounces from CSV: email, reason; also status, bounce_type and created',
        query: bounceQuery,
      },
      (call) => importInto(deps, call, { list: 'bounces', groupId: 0 }, call.query.bounce_type),
    ),
    route(
      {
        ...shape,
        path: '/suppression/spam_reports/import',
        tag: 'Spam reports',
        summary: 'Import spam reports from CSV: email, source; also created',
        query,
      },
      (call) => importInto(deps, call, { list: 'spam_reports', groupId: 0 }),
    ),
    route(
      {
        ...shape,
        path: '/asm/suppressions/global/import',
        tag: 'Global unsubscribes',
        summary: 'Import global unsubscribes from CSV: email; also created',
        query,
      },
      (call) => importInto(deps, call, { list: 'global_unsubscribes', groupId: 0 }),
    ),
    route(
      {
        ...shape,
        path: '/asm/groups/:group_id/suppressions/import',
        tag: 'Group suppressions',
        summary: 'Import who left a group from CSV: email; also created',
        params: groupInPath,
        query,
      },
      async (call) => {
        const groupId = call.params.group_id
        await demandGroup(call, groupId)
        return importInto(deps, call, { list: 'group_unsubscribes', groupId })
      },
    ),
  ]
}

async function importInto(
  { importFile, wakeImporter }: ImportDeps,
  call: Call<unknown, z.infer<typeof query>, unknown>,
  key: ListKey,
  bounceClass: ImportOrder['target']['bounceClass'] = 'hard',
): Promise<Answer<z.infer<typeof importResult> | z.infer<typeof importJob>>> {
  const encoding = call.header('content-encoding') ?? 'identity'
  if (encoding !== 'identity') throw new ApiError(415, 'Send the file as it is, not compressed')
  const { tenantId, by, query } = call
  const target = { ...key, bounceClass }
  const order = { tenantId, by, target, format: null, tellsEach: query.events }
  try {
    if (prefersAsync(call.header('prefer'))) {
      return await acceptImport(call, order, received(call.upload), wakeImporter)
    }
    const result = await importFile(order, received(call.upload))
    const headers = { 'X-Import-Errors': String(result.errorCount) }
    return { status: 200, body: resultRecord(result), headers }
  } catch (error) {
    if (error instanceof ImportFileError) throw new ApiError(400, error.message)
    if (error instanceof UnknownGroupError) throw notFound()
    throw error
  }
}

/** RFC 7240 section 4.1 */
function prefersAsync(prefer: string | null): boolean {
  return (prefer ?? '').split(/[,;]/).some((one) => one.trim().toLowerCase() === 'respond-async')
}

/** A client that goes away in the middle is no failure of ours. */
async function* received(upload: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* upload
  } catch {
    throw new ApiError(400, 'The upload ended before the file did')
  }
}
