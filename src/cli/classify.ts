import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import { classify, type Explanation, explain, groundsOf } from '../classify/classify.ts'
import { readReply } from '../classify/reading.ts'
import { loadRules, type Rules } from '../classify/rules.ts'
import { readConfig } from '../config.ts'
import { CommandError } from './command-error.ts'
import { rulesDirectory } from './package-root.ts'
import { terminalJson, terminalText } from './terminal-text.ts'

type Options = { json?: true; explain?: true; ownRules?: string }

/**
 * `hearback classify`: what single SMTP replies mean. One answer for every line, in order; an
 * empty line is a reply of which nothing is known, so it gets its answer too.
 */
export function addClassifyCommand(program: Command): void {
  program
    .command('classify')
    .description(
      'say what SMTP replies mean: hard (mailbox gone), soft (not now) or block (refused)',
    )
    .argument('[files...]', 'one reply a line; - is standard input', ['-'])
    .option('--json', 'one JSON object a line')
    .option('--explain', 'also which rules matched, and what each of them read')
    .option('--own-rules <directory>', 'your rules; HEARBACK_RULES_DIR when absent')
    .action(async (files: string[], options: Options) => {
      const rules = loadRules(rulesDirectory(), options.ownRules ?? readConfig().rulesDir)
      for (const file of files) {
        for await (const line of linesOf(await openInput(file))) {
          process.stdout.write(`${answer(rules, line, options)}\n`)
        }
      }
    })
}

async function openInput(file: string): Promise<Readable> {
  if (file === '-') return process.stdin
  try {
    return (await open(file)).createReadStream()
  } catch (error) {
    throw new CommandError(`cannot read ${file}: ${error instanceof Error ? error.message : error}`)
  }
}

/** Lines end with LF alone: a reply may hold any other separator, and N lines get N answers. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of input.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

function answer(rules: Rules, line: string, options: Options): string {
  const diagnosis = readReply(line)
  const { bounceClass, reason, rule } = classify(rules, diagnosis)
  const { status, replyCode } = diagnosis
  const explanation = options.explain ? explain(rules, diagnosis) : null
  if (options.json) {
    const more = explanation && { explanation: explanationRecord(explanation) }
    return terminalJson({ bounceClass, reason, rule, status, replyCode, ...more })
  }
  const head = `${bounceClass.padEnd(5)} ${reason.padEnd(20)} ${line.trimEnd()}`
  const lines = explanation ? [head, ...explanationLines(explanation)] : [head]
  return lines.map(terminalText).join('\n')
}

function explanationRecord({ softened, matches }: Explanation) {
  return {
    softened,
    matches: matches.map(({ rule, grounds, command }) => ({
      rule: rule.name,
      grounds,
      command,
      bounceClass: rule.bounceClass,
      reason: rule.reason,
      source: rule.source,
    })),
  }
}

/** The rule that decided, then those that it beat, each with what it read. */
function explanationLines({ matches, softened }: Explanation): string[] {
  if (matches.length === 0) return ['  no rule knows the text, and no code tells: soft']
  const lines = matches.map((match, position) => {
    const { rule } = match
    const verb = position === 0 ? 'decided' : 'beaten'
    return `  ${verb}: ${groundsOf(match)}: ${rule.name}: ${rule.bounceClass}, ${rule.reason} (${rule.source})`
  })
  return softened ? [...lines, '  softened: the code says that it may pass'] : lines
}
