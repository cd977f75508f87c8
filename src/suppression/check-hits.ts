import type { Sql } from '../db/sql.ts'
import type { Hit } from './check.ts'

/** What one tenant asks about canonical addresses; without a group: about its default group. */
export type Question = {
  tenantId: number
  groupId: number | null
  addresses: readonly string[]
}

/** The hits on each address of a question; `null`: the tenant has never had the group. */
export type Answer = (readonly Hit[])[] | null

/** The place is that of the address among those of all questions, from 1. */
type FoundHit = [
  place: number,
  list: Hit['list'],
  groupId: number,
  bounceClass: Hit['bounceClass'],
  since: number,
  until: number | null,
]

type Found = { unknownScopes: number[]; hits: FoundHit[] }

/**
 * Answers all questions by one statement, with one index probe an address. The hits come as one
 * JSON value: the driver would spend more on rows than PostgreSQL.
 */
export async function findHits(
  sql: Sql,
  questions: readonly Question[],
  now: Date,
): Promise<Answer[]> {
  const { tenantIds, groupIds, scopes, addresses } = columnsOf(questions)
  const [row] = await sql<Found[]>`
    with scope as materialized (
      select s.scope, s.tenant_id,
        case when s.group_id = 0 then (
          select g.group_id
          from suppression_group as g
          where g.tenant_id = s.tenant_id and g.is_default and g.deleted_at is null
        ) else (
          select case when g.deleted_at is null then g.group_id else 0 end
          from suppression_group as g
          where g.tenant_id = s.tenant_id and g.group_id = s.group_id
        ) end as group_id,
        s.group_id <> 0 as is_named
      from unnest(${tenantIds}::int[], ${groupIds}::int[])
        with ordinality as s (tenant_id, group_id, scope)
    )
    select
      array(select scope::int from scope where is_named and group_id is null) as unknown_scopes,
      (
        select coalesce(json_agg(json_build_array(
          a.place, h.list, h.group_id, h.bounce_class, h.since, h.until)), '[]')
        from unnest(${scopes}::int[], ${addresses}::text[])
          with ordinality as a (scope, address, place)
        join scope using (scope)
        cross join lateral (
          select s.list, s.group_id,
            case
              when s.hard_until > ${now} and s.hard_until <= s.suppresses_until then 'hard'
              when s.soft_until > ${now} and s.soft_until <= s.suppresses_until then 'soft'
              when s.block_until > ${now} and s.block_until <= s.suppresses_until then 'block'
              else s.bounce_class
            end as bounce_class,
            floor(date_part('epoch', s.created_at)) as since,
            case
              when s.suppresses_until < 'infinity'
              then floor(date_part('epoch', s.suppresses_until))
            end as until
          from suppression as s
          where s.tenant_id = scope.tenant_id and s.address = a.address
            and s.group_id = any(array[0, scope.group_id])
            and s.suppresses_until > ${now}
          -- Keeps the planner from reading the whole table for a join.
          offset 0
        ) as h
      ) as hits`
  // An answer is never made up: no row would read as "not suppressed".
  if (!row) throw new Error('the check gave no row')
  return answersOf(questions, scopes, row)
}

/** Addresses of one tenant that are asked about for one group share a scope. */
function columnsOf(questions: readonly Question[]) {
  const known = new Map<string, number>()
  const tenantIds: number[] = []
  const groupIds: number[] = []
  const scopes: number[] = []
  const addresses: string[] = []
  for (const { tenantId, groupId, addresses: asked } of questions) {
    const key = `${tenantId} ${groupId}`
    const scope = known.get(key) ?? tenantIds.push(tenantId)
    if (scope > groupIds.length) groupIds.push(groupId ?? 0)
    known.set(key, scope)
    for (const address of asked) {
      scopes.push(scope)
      addresses.push(address)
    }
  }
  return { tenantIds, groupIds, scopes, addresses }
}

const noHits: readonly Hit[] = []

function answersOf(
  questions: readonly Question[],
  scopes: readonly number[],
  { unknownScopes, hits: found }: Found,
): Answer[] {
  const hits = new Map<number, Hit[]>()
  for (const [place, list, groupId, bounceClass, since, until] of found) {
    const hit = { list, groupId, bounceClass, since, until }
    const others = hits.get(place)
    if (others) others.push(hit)
    else hits.set(place, [hit])
  }
  const isUnknown = new Set(unknownScopes)
  let place = 0
  return questions.map(({ addresses }) => {
    const scope = scopes[place]
    const answer = addresses.map(() => hits.get(++place) ?? noHits)
    return scope !== undefined && isUnknown.has(scope) ? null : answer
  })
}
