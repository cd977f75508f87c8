import { RE2JS, RE2Set } from 're2js'
import type { Rule } from './rule-file.ts'

/** Positions of the operator's rules whose text matches, ascending; a rule without text always does. */
export type OwnPatterns = (text: string) => readonly number[]

/**
 * Patterns written by operators run in RE2's matcher, all at once and in linear time whatever they
 * contain; letters match in either case. What does not compile goes to `problems`.
 */
export function createOwnPatterns(rules: readonly Rule[], problems: string[]): OwnPatterns {
  if (rules.length === 0) return () => []
  const set = new RE2Set(RE2Set.UNANCHORED, RE2JS.CASE_INSENSITIVE)
  const positions: number[] = []
  const always: number[] = []
  for (const [position, rule] of rules.entries()) {
    if (rule.text === null) always.push(position)
    else if (compiles(rule, rule.text, problems)) {
      set.add(rule.text)
      positions.push(position)
    }
  }
  set.compile()
  return (text) => {
    const matched = set.match(text).map((index) => positions[index] ?? 0)
    return [...matched, ...always].sort((a, b) => a - b)
  }
}

function compiles(rule: Rule, text: string, problems: string[]): boolean {
  try {
    RE2JS.compile(text, RE2JS.CASE_INSENSITIVE)
    return true
  } catch (error) {
    problems.push(
      `${rule.file}: ${rule.name}: text ${error instanceof Error ? error.message : error}`,
    )
    return false
  }
}
