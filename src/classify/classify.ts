import type { Classification } from '../feedback/feedback.ts'
import type { SmtpCommand } from '../feedback/smtp-command.ts'
import { conditionsHold } from './conditions.ts'
import { type Diagnosis, type Reading, readDiagnosis } from './reading.ts'
import type { Rule } from './rule-file.ts'
import type { Rules } from './rules.ts'
import { statusIn } from './status-range.ts'

export type { Diagnosis } from './reading.ts'

/** What a rule read, in the order of trust: the first match of the first kind decides. */
export type Grounds = 'own rule' | 'text' | 'code in the text' | 'Status field' | 'SMTP reply code'

export type Match = {
  rule: Rule
  grounds: Grounds
  /** The SMTP command that was answered, where the rule asks for it. */
  command: SmtpCommand | null
}

/** Why a classification is what it is: every rule that matched, the one that decided first. */
export type Explanation = {
  classification: Classification
  matches: readonly Match[]
  /** A rule said hard, but the code says that it may pass. */
  softened: boolean
}

/**
 * Decides whether the mailbox is gone (hard), cannot take mail now (soft), or does not want ours
 * (block). Unknown text with no telling code is soft, with the reason `unknown` and no rule.
 */
export function classify(rules: Rules, diagnosis: Diagnosis): Classification {
  const reading = readDiagnosis(diagnosis)
  for (const { rule } of findMatches(rules, reading)) return settle(rule, reading)
  return unknown
}

/** As `classify`, with everything that matched. */
export function explain(rules: Rules, diagnosis: Diagnosis): Explanation {
  const reading = readDiagnosis(diagnosis)
  const matches = [...findMatches(rules, reading)]
  const [first] = matches
  return {
    classification: first ? settle(first.rule, reading) : unknown,
    matches,
    softened: first?.rule.bounceClass === 'hard' && reading.neverHard,
  }
}

/** What a rule read, in words: `text`, or `text in reply to data`. */
export function groundsOf({ grounds, command }: Match): string {
  return command === null ? grounds : `${grounds} in reply to ${command}`
}

const unknown: Classification = { bounceClass: 'soft', reason: 'unknown', rule: null }

function settle(rule: Rule, reading: Reading): Classification {
  const { bounceClass, reason, name } = rule
  const softened = bounceClass === 'hard' && reading.neverHard
  return { bounceClass: softened ? 'soft' : bounceClass, reason, rule: name }
}

function* findMatches(rules: Rules, reading: Reading): Generator<Match> {
  for (const position of rules.own.patterns(reading.text)) {
    const rule = rules.own.rules[position]
    if (rule && conditionsHold(rule, reading)) yield match(rule, 'own rule', reading)
  }
  for (const position of rules.texts.candidates(reading.text)) {
    const rule = rules.texts.rules[position]
    const pattern = rules.texts.patterns[position]
    if (!rule || !pattern?.expression.test(reading.text)) continue
    if (conditionsHold(rule, reading)) yield match(rule, 'text', reading)
  }
  yield* findCodeMatches(rules.codes, reading)
}

/** RFC 3463: the enhanced code that the remote server gave is nearer to the cause than Status. */
function* findCodeMatches(codes: readonly Rule[], reading: Reading): Generator<Match> {
  const grounds = [
    ['code in the text', reading.textStatus],
    ['Status field', reading.status],
  ] as const
  for (const [ground, status] of grounds) {
    if (status === null) continue
    for (const rule of codes) {
      if (!rule.status || !statusIn(rule.status, status)) continue
      if (!conditionsHold(rule, reading)) continue
      const seen = ground === 'Status field' && statusIn(rule.status, reading.textStatus)
      if (!seen) yield match(rule, ground, reading)
    }
  }
  if (reading.replyCode === null) return
  for (const rule of codes) {
    if (rule.status || !rule.replyCode?.includes(reading.replyCode)) continue
    if (conditionsHold(rule, reading)) yield match(rule, 'SMTP reply code', reading)
  }
}

function match(rule: Rule, grounds: Grounds, { command }: Reading): Match {
  return { rule, grounds, command: rule.command === null ? null : command }
}
