import type { ListEffect, Standing } from '../feedback/replay.ts'

/** What becomes of an address on a list, for people. */
export function effectText({ list, before, after }: ListEffect): string {
  return `${list}: ${standingText(before)} -> ${standingText(after)}`
}

function standingText(standing: Standing | null): string {
  if (standing === null) return 'not listed'
  const { bounceClass, until } = standing
  const end = until === null ? 'until removed' : `until ${until.toISOString()}`
  return bounceClass === null ? end : `${bounceClass}, ${end}`
}
