import { z } from 'zod'
import { pageLanguages } from '../../feedback/page-language.ts'
import { addAudit } from '../../record/audit.ts'
import { changeRecipientPage, findRecipientPage } from '../../tenant/recipient-page.ts'
import { recipientPageChanges } from '../../tenant/recipient-page-changes.ts'
import { recipientPageRecord } from '../../tenant/recipient-page-record.ts'
import { type Route, route } from './route.ts'

const path = '/recipient_page'
const tag = 'Recipient pages'

const shownTexts = z.strictObject({
  introduction: z.string().optional(),
  farewell: z.string().optional(),
  footer: z.string().optional(),
})

const recipientPage = z
  .strictObject({
    name: z.string().nullable().describe('Of the sender, as recipients know it'),
    color: z.string().nullable(),
    landing_url: z.string().nullable(),
    texts: z.partialRecord(z.enum(['default', ...pageLanguages]), shownTexts),
    logo: z.strictObject({ content_type: z.string(), bytes: z.int() }).nullable(),
    updated_at: z.string().nullable().describe('ISO 8601; null: never'),
  })
  .meta({ id: 'RecipientPage' })

export const recipientPageRoutes: readonly Route[] = [
  route(
    {
      method: 'get',
      path,
      scope: 'suppressions.read',
      tag,
      summary: 'How the pages of your recipients look',
      responses: { 200: recipientPage },
    },
    async ({ db, tenantId }) => {
      const page = await db.run((sql) => findRecipientPage(sql, tenantId))
      return { status: 200, body: recipientPageRecord(page) }
    },
  ),
  route(
    {
      method: 'patch',
      path,
      scope: 'suppressions.write',
      tag,
      summary: 'Change what is given; null takes it back',
      body: recipientPageChanges,
      responses: { 200: recipientPage },
    },
    async ({ db, tenantId, by, now, body: changes }) => {
      const page = await db.transaction(async (sql) => {
        const changed = await changeRecipientPage(sql, tenantId, changes, now)
        const detail = { page: recipientPageRecord(changed) }
        await addAudit(sql, tenantId, by, [{ action: 'page.update', detail }], now)
        return changed
      })
      return { status: 200, body: recipientPageRecord(page) }
    },
  ),
]
