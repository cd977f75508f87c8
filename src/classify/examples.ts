import { explain } from './classify.ts'
import { readReply } from './reading.ts'
import type { Rule } from './rule-file.ts'
import type { Rules } from './rules.ts'

/** A rule that does not decide its own example, and the one that does (`null`: none). */
export type FailedExample = { rule: Rule; decidedBy: string | null }

/**
 * Holds every rule to its example: that rule must decide it, with the class it says. A built-in
 * rule that an operator's rule overrides on purpose does not count as failed.
 */
export function failedExamples(rules: Rules): FailedExample[] {
  const own = new Set(rules.own.rules.map((rule) => rule.name))
  const all = [...rules.own.rules, ...rules.texts.rules, ...rules.codes]
  return all.flatMap((rule) => {
    const { classification, softened } = explain(rules, readReply(rule.example))
    const decidedBy = classification.rule
    if (decidedBy === rule.name && !softened) return []
    if (decidedBy !== null && own.has(decidedBy) && !own.has(rule.name)) return []
    return [{ rule, decidedBy }]
  })
}
