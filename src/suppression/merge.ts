import type { Sql } from '../db/sql.ts'

/*
 * Parts of statements in which `s` is the entry that stands and `excluded` the one that comes.
 */

/** Whether no stronger bounce than the new one stands at a time. */
export function outranks(sql: Sql, at: ReturnType<Sql>): ReturnType<Sql> {
  return sql`case excluded.bounce_class
    when 'hard' then true
    when 'soft' then coalesce(s.hard_until <= ${at}, true)
    else coalesce(greatest(s.hard_until, s.soft_until) <= ${at}, true)
  end`
}

/** Assignments: on the list since the earlier of two entries, and as long as the longer one. */
export function longestOfBoth(sql: Sql): ReturnType<Sql> {
  return sql`
    created_at = least(s.created_at, excluded.created_at),
    origin = least(s.origin, excluded.origin),
    expires_at = case
      when s.expires_at is null or excluded.expires_at is null then null
      else greatest(s.expires_at, excluded.expires_at)
    end,
    suppresses_until = greatest(s.suppresses_until, excluded.suppresses_until),
    hard_until = greatest(s.hard_until, excluded.hard_until),
    soft_until = greatest(s.soft_until, excluded.soft_until),
    block_until = greatest(s.block_until, excluded.block_until)`
}

/** The line of a file that the entry began with, before its words are replaced. */
export function keptImportLine(sql: Sql): ReturnType<Sql> {
  return sql`case
    when s.import_line = '{}' then jsonb_build_object(
      'since', s.created_at, 'bounceClass', s.bounce_class, 'status', s.status,
      'reason', s.reason, 'source', s.source)
    else s.import_line
  end`
}

/**
 * Whether the entry lapses, does not suppress, or is no bounce as strong as one of this class (null
 * for what is no bounce) that stays until removed.
 */
export function isWeaker(sql: Sql, bounceClass: ReturnType<Sql>): ReturnType<Sql> {
  return sql`(
    s.expires_at is not null
    or s.suppresses_until is distinct from 'infinity'
    or 'infinity' is distinct from case ${bounceClass}
      when 'hard' then s.hard_until
      when 'soft' then greatest(s.hard_until, s.soft_until)
      when 'block' then greatest(s.hard_until, s.soft_until, s.block_until)
      else 'infinity'
    end)`
}
