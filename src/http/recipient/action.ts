import type { Choice } from '../../feedback/choice.ts'

/** What a POST asks for. */
export type Action =
  | { kind: 'one-click' }
  /** To leave what the link is about. */
  | { kind: 'confirm' }
  /** `null`: everything. */
  | { kind: 'unsubscribe'; groupId: number | null }
  | { kind: 'choose'; choices: readonly Choice[] }
  | { kind: 'undo'; clickId: string }

/** `null` for whatever is none of ours. */
export function readAction(fields: URLSearchParams): Action | null {
  // RFC 8058 section 3.2
  if (fields.get('list-unsubscribe')?.toLowerCase() === 'one-click') return { kind: 'one-click' }
  if (fields.get('confirm') === 'yes') return { kind: 'confirm' }
  switch (fields.get('action')) {
    case 'unsubscribe_all':
      return { kind: 'unsubscribe', groupId: null }
    case 'unsubscribe_group':
      return ofGroup(fields, (groupId) => ({ kind: 'unsubscribe', groupId }))
    case 'resubscribe_all':
      return resubscribe(null)
    case 'resubscribe_group':
      return ofGroup(fields, resubscribe)
    case 'save':
      return save(fields)
    case 'undo':
      return undo(fields)
    default:
      return null
  }
}

function ofGroup(fields: URLSearchParams, act: (groupId: number) => Action): Action | null {
  const [groupId] = groupIds(fields, 'group_id') ?? []
  return groupId === undefined ? null : act(groupId)
}

function resubscribe(groupId: number | null): Action {
  return { kind: 'choose', choices: [{ wish: 'resubscribe', groupId }] }
}

/** More than anybody presses, few enough for one transaction. */
const maxChanges = 500

/** Only what was changed on the page: another window may have changed the rest since. */
function save(fields: URLSearchParams): Action | null {
  const shown = groupIds(fields, 'shown')
  const before = groupIds(fields, 'before')
  const wanted = groupIds(fields, 'group')
  if (shown === null || before === null || wanted === null || shown.length === 0) return null
  const [had, has] = [new Set(before), new Set(wanted)]
  const choices = [...new Set(shown)]
    .filter((groupId) => had.has(groupId) !== has.has(groupId))
    .map((groupId) => {
      const wish = has.has(groupId) ? ('resubscribe' as const) : ('unsubscribe' as const)
      return { wish, groupId }
    })
  return choices.length > maxChanges ? null : { kind: 'choose', choices }
}

function undo(fields: URLSearchParams): Action | null {
  const clickId = fields.get('click') ?? ''
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(clickId)
    ? { kind: 'undo', clickId }
    : null
}

/** PostgreSQL's integer. */
const maxGroupId = 0x7fffffff

/** `null` when one of them is no id. */
function groupIds(fields: URLSearchParams, name: string): number[] | null {
  const ids = fields.getAll(name).map((text) => (/^\d{1,10}$/.test(text) ? Number(text) : 0))
  return ids.every((id) => id > 0 && id <= maxGroupId) ? ids : null
}
