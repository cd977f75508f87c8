import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { type Command, Option } from 'commander'
import { classify, type Explanation, explain } from '../classify/classify.ts'
import { readReply } from '../classify/reading.ts'
import { loadRules, type Rules } from '../classify/rules.ts'
import { rulesDirectory } from './package-root.ts'

type Options = { json?: true; explain?: true; rules: string; ownRules?: string }

/** `hearback classify`: what single SMTP replies mean. One answer for every line, in order. */
export function addClassifyCommand(program: Command): void {
  program
    .command('classify')
    .summary('say what SMTP replies mean')
    .description(
      'Reads SMTP replies, one a line, and prints for each whether the mailbox is gone (hard), ' +
        'cannot take mail now (soft) or refuses us (block). An empty line gets an answer too.',
    )
    .argument('[files...]', 'files to read; - is standard input', ['-'])
    .option('--json', 'one JSON object a line')
    .option('--explain', 'also print which rules matched, and what each of them read')
    .option('--rules <directory>', 'the rules to use', rulesDirectory())
    .addOption(
      new Option('--own-rules <directory>', 'your own rules, tried first').env(
        'HEARBACK_RULES_DIR',
      ),
    )
    .action(async (files: string[], options: Options) => {
      const rules = loadRules(options.rules, options.ownRules ?? null)
      for (const file of files) {
        for await (const line of linesOf(file)) process.stdout.write(answer(rules, line, options))
      }
    })
}

function linesOf(file: string): AsyncIterable<string> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
}

function answer(rules: Rules, line: string, options: Options): string {
  const diagnosis = readReply(line)
  const { bounceClass, reason, rule } = classify(rules, diagnosis)
  const { status, replyCode } = diagnosis
  const explanation = options.explain ? explain(rules, diagnosis) : null
  if (options.json) {
    const shown = explanation && { explanation: explanationRecord(explanation) }
    return `${JSON.stringify({ bounceClass, reason, rule, status, replyCode, ...shown })}\n`
  }
  const reasons = explanation ? explanationLines(explanation) : []
  return [`${bounceClass}  ${reason}  (${rule ?? 'no rule'})  ${line}`, ...reasons, ''].join('\n')
}

/** What `--explain --json` adds. */
export function explanationRecord(explanation: Explanation) {
  return {
    softened: explanation.softened,
    matches: explanation.matches.map(({ rule, grounds }) => ({
      rule: rule.name,
      grounds,
      bounceClass: rule.bounceClass,
      reason: rule.reason,
      source: rule.source,
    })),
  }
}

/** What `--explain` prints below the answer: the rule that decided, then those that it beat. */
export function explanationLines(explanation: Explanation): string[] {
  const lines = explanation.matches.map(({ rule, grounds }, position) => {
    const said = `${rule.name} says ${rule.bounceClass}, ${rule.reason} (${rule.source})`
    return `  ${position === 0 ? 'decided by' : 'beat'} ${grounds}: ${said}`
  })
  if (explanation.softened) lines.push('  but the code says that it may pass: never hard')
  if (lines.length === 0) lines.push('  no rule knows the text, and no code tells')
  return lines
}
