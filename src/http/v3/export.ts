import { z } from 'zod'
import { type ExportFormat, exportFormats } from '../../feedback/export-record.ts'
import type { ListKey } from '../../suppression/list.ts'
import { demandGroup, groupInPath } from './groups.ts'
import { type Answer, type Call, type Route, route } from './route.ts'

export type ExportDeps = {
  /** Rejects when the list cannot be read at all. */
  exportList: (
    tenantId: number,
    key: ListKey,
    format: ExportFormat,
  ) => Promise<AsyncIterable<string>>
}

const exportQuery = z.object({
  format: z.enum(exportFormats).optional().describe('Without it the Accept field decides'),
})

const contentTypes: Record<ExportFormat, string> = {
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
}

/** To be tried before the calls for one address. */
export function createExportRoutes({ exportList }: ExportDeps): readonly Route[] {
  const shape = {
    method: 'get',
    scope: 'suppressions.read',
    query: exportQuery,
    responses: {},
    files: Object.values(contentTypes),
  } as const
  const summary = 'The whole list as a file: CSV, or one JSON object a line'
  const single = [
    ['/suppression/bounces/export', 'Bounces', 'bounces'],
    ['/suppression/spam_reports/export', 'Spam reports', 'spam_reports'],
    ['/asm/suppressions/global/export', 'Global unsubscribes', 'global_unsubscribes'],
  ] as const
  return [
    ...single.map(([path, tag, list]) =>
      route({ ...shape, path, tag, summary }, (call) => file(call, { list, groupId: 0 }, list)),
    ),
    route(
      {
        ...shape,
        path: '/asm/groups/:group_id/suppressions/export',
        tag: 'Group suppressions',
        summary,
        params: groupInPath,
      },
      async (call) => {
        const groupId = call.params.group_id
        await demandGroup(call, groupId)
        return file(call, { list: 'group_unsubscribes', groupId }, `group_${groupId}_unsubscribes`)
      },
    ),
  ]

  async function file(
    { tenantId, query, header }: Call<unknown, z.infer<typeof exportQuery>, unknown>,
    key: ListKey,
    name: string,
  ): Promise<Answer<never>> {
    const format = query.format ?? accepted(header('accept'))
    const chunks = await exportList(tenantId, key, format)
    return {
      status: 200,
      contentType: contentTypes[format],
      fileName: `${name}.${format}`,
      chunks,
    }
  }
}

/** Whichever is named; CSV when neither is. */
function accepted(accept: string | null): ExportFormat {
  return /\bndjson\b/i.test(accept ?? '') && !/\btext\/csv\b/i.test(accept ?? '') ? 'ndjson' : 'csv'
}
