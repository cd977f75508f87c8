import type { RecipientPage } from './recipient-page.ts'

/** How the pages of a tenant look, in the words of every door of ours. */
export type RecipientPageRecord = {
  name: string | null
  color: string | null
  landing_url: string | null
  texts: RecipientPage['texts']
  logo: { content_type: string; bytes: number } | null
  /** ISO 8601; `null`: never. */
  updated_at: string | null
}

export function recipientPageRecord(page: RecipientPage): RecipientPageRecord {
  return {
    name: page.senderName,
    color: page.color,
    landing_url: page.landingUrl,
    texts: page.texts,
    logo: page.logo && { content_type: page.logo.type, bytes: page.logo.bytes },
    updated_at: page.updatedAt?.toISOString() ?? null,
  }
}
