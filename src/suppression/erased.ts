import type { Database, Sql } from '../db/sql.ts'
import { erasedForm, erasureKey } from '../feedback/erased-address.ts'

/** What stands for the addresses of people who were erased. */
export type Erasure = {
  /** Whether a tenant has ever erased anybody; up to five seconds late. */
  hasErased(tenantId: number): Promise<boolean>
  /** Under what each of these canonical addresses of a tenant is stored, in their order. */
  storedForms(tenantId: number, addresses: readonly string[]): Promise<readonly string[]>
}

/** How long a process may take to notice the first erasure of a tenant. */
const freshMs = 5_000

/** Tenants that never erased anybody cost no question but one in five seconds. */
export function createErasure(db: Database, secret: string): Erasure {
  const key = erasureKey(secret)
  const known = new Map<number, { until: number; hasErased: Promise<boolean> }>()

  function hasErased(tenantId: number): Promise<boolean> {
    const cached = known.get(tenantId)
    if (cached && cached.until > performance.now()) return cached.hasErased
    const asked = db.run((sql) => hasErasedAny(sql, tenantId))
    known.set(tenantId, { until: performance.now() + freshMs, hasErased: asked })
    asked.then(
      (found) => found && known.set(tenantId, { until: Infinity, hasErased: asked }),
      () => known.delete(tenantId),
    )
    return asked
  }

  return {
    hasErased,
    async storedForms(tenantId, addresses) {
      if (addresses.length === 0 || !(await hasErased(tenantId))) return addresses
      const forms = addresses.map((address) => erasedForm(key, tenantId, address))
      const erased = await db.run((sql) => findErased(sql, tenantId, forms))
      return addresses.map((address, place) => {
        const form = forms[place]
        return form !== undefined && erased.has(form) ? form : address
      })
    },
  }
}

async function hasErasedAny(sql: Sql, tenantId: number): Promise<boolean> {
  const rows = await sql`select 1 from erased_address where tenant_id = ${tenantId} limit 1`
  return rows.length > 0
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
