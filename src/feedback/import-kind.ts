import type { BounceClass } from './feedback.ts'
import type { SuppressionList } from './suppression.ts'

/** Where the rows of a file are to go. */
export type ImportTarget = {
  /** `null`: each row says it. */
  list: SuppressionList | null
  /** Of group unsubscribes; 0: none was named. */
  groupId: number
  /** Of bounces that do not say it. */
  bounceClass: BounceClass
}

/** What a row is about, as far as it says. */
type Kind = { list: SuppressionList; bounceClass: BounceClass | null }

const bounce = { list: 'bounces', bounceClass: null } as const
const hard = { list: 'bounces', bounceClass: 'hard' } as const
const soft = { list: 'bounces', bounceClass: 'soft' } as const
const block = { list: 'bounces', bounceClass: 'block' } as const
const spamReport = { list: 'spam_reports', bounceClass: null } as const
const unsubscribe = { list: 'global_unsubscribes', bounceClass: null } as const
const groupUnsubscribe = { list: 'group_unsubscribes', bounceClass: null } as const

/** The words of providers and of people, by their letters only. */
const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['bounce', bounce],
  ['bounces', bounce],
  ['bounced', bounce],
  ['invalid', bounce],
  ['invalidemail', bounce],
  ['hard', hard],
  ['hardbounce', hard],
  ['permanent', hard],
  ['soft', soft],
  ['softbounce', soft],
  ['transient', soft],
  ['block', block],
  ['blocks', block],
  ['blocked', block],
  ['spam', spamReport],
  ['spamreport', spamReport],
  ['spamreports', spamReport],
  ['spamcomplaint', spamReport],
  ['complaint', spamReport],
  ['complaints', spamReport],
  ['abuse', spamReport],
  ['unsubscribe', unsubscribe],
  ['unsubscribes', unsubscribe],
  ['unsubscribed', unsubscribe],
  ['unsub', unsubscribe],
  ['globalunsubscribe', unsubscribe],
  ['globalunsubscribes', unsubscribe],
  // Added there by hand: nobody is to write to them.
  ['manualsuppression', unsubscribe],
  ['custom', unsubscribe],
  ['groupunsubscribe', groupUnsubscribe],
  ['groupunsubscribes', groupUnsubscribe],
])

/** The list for a row that calls itself so, or why there is none. */
export function importKind(word: string, target: ImportTarget): Kind | string {
  const known = word === '' ? undefined : kinds.get(letters(word))
  if (target.list === null) {
    if (known === undefined) return `Unknown type ${JSON.stringify(word.slice(0, 50))}`
    if (known === groupUnsubscribe && target.groupId === 0) return 'Belongs to a group: say which'
    return known
  }
  if (known === undefined || areAlike(known.list, target.list)) {
    return { list: target.list, bounceClass: known?.bounceClass ?? null }
  }
  return `Belongs on ${known.list}, not on ${target.list}`
}

/** `null` when this is no class of bounces. */
export function bounceClassNamed(word: string): BounceClass | null {
  return kinds.get(letters(word))?.bounceClass ?? null
}

/** Who left everything elsewhere may be put into a group here, and the other way round. */
function areAlike(one: SuppressionList, other: SuppressionList): boolean {
  return one === other || (one.endsWith('_unsubscribes') && other.endsWith('_unsubscribes'))
}

function letters(text: string): string {
  return text.toLowerCase().replace(/[^a-z]/g, '')
}
