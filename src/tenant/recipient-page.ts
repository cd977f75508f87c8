import { randomUUID } from 'node:crypto'
import { jsonb, type Sql } from '../db/sql.ts'
import type { PageLanguage } from '../feedback/page-language.ts'
import type { Logo, LogoType } from './logo.ts'

/** What a tenant adds to the pages of its recipients, in plain text. */
export type PageTexts = {
  /** Above the question. */
  introduction?: string | undefined
  /** Below the confirmation. */
  farewell?: string | undefined
  /** At the foot of every page: who the sender is and where. */
  footer?: string | undefined
}

/** How the pages of a tenant's recipients look; `null` is ours. */
export type RecipientPage = {
  senderName: string | null
  /** `#rrggbb`, lower case. */
  color: string | null
  /** Where to go from the confirmation, an https URL. */
  landingUrl: string | null
  /** `default` for what is not there in a language. */
  texts: { [language in PageLanguage | 'default']?: PageTexts }
  logo: { id: string; type: LogoType; bytes: number } | null
  /** `null`: never. */
  updatedAt: Date | null
}

/** What is not named stays. */
export type RecipientPageChanges = {
  [field in 'senderName' | 'color' | 'landingUrl' | 'texts']?: RecipientPage[field] | undefined
} & { logo?: Logo | null | undefined }

type Row = Omit<RecipientPage, 'logo'> & {
  logoId: string | null
  logoType: LogoType | null
  logoBytes: number | null
}

export async function findRecipientPage(sql: Sql, tenantId: number): Promise<RecipientPage> {
  const [row] = await sql<Row[]>`
    select sender_name, color, landing_url, texts, logo_id, logo_type,
      length(logo) as logo_bytes, updated_at
    from recipient_page
    where tenant_id = ${tenantId}`
  return row ? recipientPage(row) : untouched
}

/** The page as it is afterwards. */
export async function changeRecipientPage(
  sql: Sql,
  tenantId: number,
  changes: RecipientPageChanges,
  now: Date,
): Promise<RecipientPage> {
  // Locks the row: of several changes at once none takes back another.
  await sql`
    insert into recipient_page (tenant_id, updated_at)
    values (${tenantId}, ${now})
    on conflict (tenant_id) do update set updated_at = excluded.updated_at`
  const page = await findRecipientPage(sql, tenantId)
  const {
    senderName = page.senderName,
    color = page.color,
    landingUrl = page.landingUrl,
    texts = page.texts,
    logo,
  } = changes
  await sql`
    update recipient_page
    set sender_name = ${senderName}, color = ${color}, landing_url = ${landingUrl},
      texts = ${jsonb(sql, texts)}
    where tenant_id = ${tenantId}`
  if (logo !== undefined) await replaceLogo(sql, tenantId, logo)
  return findRecipientPage(sql, tenantId)
}

/** Under a new address each time, because the old one is kept by browsers for long. */
async function replaceLogo(sql: Sql, tenantId: number, logo: Logo | null): Promise<void> {
  const { id, type, image } = logo
    ? { ...logo, id: randomUUID() }
    : { id: null, type: null, image: null }
  await sql`
    update recipient_page
    set logo_id = ${id}, logo_type = ${type}, logo = ${image}
    where tenant_id = ${tenantId}`
}

export async function findLogo(sql: Sql, logoId: string): Promise<Logo | null> {
  const [row] = await sql<Logo[]>`
    select logo_type as type, logo as image
    from recipient_page
    where logo_id = ${logoId}`
  return row ?? null
}

const untouched: RecipientPage = {
  senderName: null,
  color: null,
  landingUrl: null,
  texts: {},
  logo: null,
  updatedAt: null,
}

function recipientPage({ logoId, logoType, logoBytes, ...page }: Row): RecipientPage {
  const hasLogo = logoId !== null && logoType !== null && logoBytes !== null
  return { ...page, logo: hasLogo ? { id: logoId, type: logoType, bytes: logoBytes } : null }
}
