import type { Database, Sql } from '../db/sql.ts'
import { erasedForm, erasureKey } from '../feedback/erased-address.ts'

/** What stands for the addresses of people who were erased; what it says is up to five seconds old. */
export type Erasure = {
  /** Whether a tenant has ever erased anybody. */
  hasErased(tenantId: number): Promise<boolean>
  /** Under what each of these canonical addresses of a tenant is stored, in their order. */
  storedForms(tenantId: number, addresses: readonly string[]): Promise<readonly string[]>
}

/** How long a process may take to notice an erasure. */
const freshMs = 5_000

/** Of all tenants together, about 100 bytes each. */
const maxHeld = 100_000

/** Who was erased, by what stands for the address; `many`: more than are held, ask for each. */
type Forms = ReadonlySet<string> | 'many'

const nobody: Forms = new Set()

/** A tenant costs one question in five seconds, however much is asked about its recipients. */
export function createErasure(db: Database, secret: string): Erasure {
  const key = erasureKey(secret)
  const asked = new Map<number, { at: number; forms: Promise<Forms> }>()
  const renewed = new Set<number>()
  const known = new Map<number, Forms>()
  let held = 0

  function formsOf(tenantId: number): Promise<Forms> {
    const last = asked.get(tenantId)
    const age = last ? performance.now() - last.at : Number.POSITIVE_INFINITY
    if (last && age < freshMs) {
      // Beforehand: all checks of a busy tenant would wait for the answer together.
      if (age > freshMs / 2) void renew(tenantId)
      return last.forms
    }
    const next = { at: performance.now(), forms: look(tenantId) }
    asked.set(tenantId, next)
    next.forms.catch(() => {
      if (asked.get(tenantId) === next) asked.delete(tenantId)
    })
    return next.forms
  }

  async function renew(tenantId: number): Promise<void> {
    if (renewed.has(tenantId)) return
    renewed.add(tenantId)
    const at = performance.now()
    const forms = look(tenantId)
    // When it fails, whoever asks once the present answer is too old is told so.
    await forms.then(() => asked.set(tenantId, { at, forms })).catch(() => undefined)
    renewed.delete(tenantId)
  }

  async function look(tenantId: number): Promise<Forms> {
    const before = known.get(tenantId) ?? nobody
    if (before === 'many') return before
    const room = maxHeld - held + before.size
    const found = await db.run((sql) => findForms(sql, tenantId, before.size, room + 1))
    if (found === null) return before
    const forms = found.length > room ? 'many' : new Set(found)
    held += sizeOf(forms) - sizeOf(known.get(tenantId) ?? nobody)
    known.set(tenantId, forms)
    return forms
  }

  return {
    async hasErased(tenantId) {
      return (await formsOf(tenantId)) !== nobody
    },
    async storedForms(tenantId, addresses) {
      if (addresses.length === 0) return addresses
      const erased = await formsOf(tenantId)
      if (erased === nobody) return addresses
      const forms = addresses.map((address) => erasedForm(key, tenantId, address))
      const found =
        erased === 'many' ? await db.run((sql) => findErased(sql, tenantId, forms)) : erased
      return addresses.map((address, place) => {
        const form = forms[place]
        return form !== undefined && found.has(form) ? form : address
      })
    },
  }
}

function sizeOf(forms: Forms): number {
  return forms === 'many' ? 0 : forms.size
}

/** All of a tenant, or `limit` of them; `null` when there are as many as before: none ever goes. */
async function findForms(
  sql: Sql,
  tenantId: number,
  before: number,
  limit: number,
): Promise<string[] | null> {
  const [row] = await sql<{ forms: string[] }[]>`
    select array(
      select address from erased_address where tenant_id = ${tenantId} limit ${limit}
    ) as forms
    from (select count(*) as erased from erased_address where tenant_id = ${tenantId}) as now
    where erased <> ${before}`
  return row?.forms ?? null
}

async function findErased(
  sql: Sql,
  tenantId: number,
  forms: readonly string[],
): Promise<Set<string>> {
  const rows = await sql<{ address: string }[]>`
    select address
    from erased_address
    where tenant_id = ${tenantId} and address = any(${forms}::text[])`
  return new Set(rows.map(({ address }) => address))
}
