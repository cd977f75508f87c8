import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { classify, explain } from '../classify/classify.ts'
import { loadRules, type Rules } from '../classify/rules.ts'
import { readConfig } from '../config.ts'
import type { Report } from '../feedback/report.ts'
import { createParser } from '../parse/parse.ts'
import { rulesDirectory } from './package-root.ts'
import { explanationLines, reportLines } from './report-lines.ts'
import { reportRow } from './report-row.ts'
import { terminalJson, terminalText } from './terminal-text.ts'

type Options = { json?: boolean; explain?: boolean; ownRules?: string }

export function addParseCommand(program: Command): void {
  program
    .command('parse')
    .description('say what messages mean, without recording anything')
    .argument('<path...>', 'messages, folders of messages, - for one message on standard input')
    .option('--json', 'one JSON object a message')
    .option('--explain', 'which rule decided the class, and what it beat')
    .option('--own-rules <directory>', 'your rules; HEARBACK_RULES_DIR when absent')
    .action(async (paths: string[], options: Options) => {
      const rules = loadRules(rulesDirectory(), options.ownRules ?? readConfig().rulesDir)
      const parser = createParser()
      try {
        for (const file of findFiles(paths)) await parseFile(file)
      } finally {
        await parser.close()
      }

      async function parseFile(file: string): Promise<void> {
        const raw = readInput(file)
        if (raw !== null) await print(render(rules, file, await parser.parse(raw), options))
      }
    })
}

/** sysexits.h: EX_NOINPUT */
const cannotReadInput = 66

function* findFiles(paths: readonly string[]): Generator<string> {
  for (const path of paths) {
    if (path === '-') {
      yield path
      continue
    }
    try {
      if (!statSync(path).isDirectory()) {
        yield path
        continue
      }
      yield* findFiles(
        readdirSync(path)
          .sort()
          .map((name) => join(path, name)),
      )
    } catch (error) {
      complain(path, error)
    }
  }
}

function readInput(file: string): Buffer | null {
  try {
    return readFileSync(file === '-' ? 0 : file)
  } catch (error) {
    complain(file, error)
    return null
  }
}

function complain(path: string, error: unknown): void {
  const cause = error instanceof Error ? error.message : String(error)
  process.stderr.write(`hearback: cannot read ${path}: ${cause}\n`)
  process.exitCode = cannotReadInput
}

function render(rules: Rules, file: string, report: Report, options: Options): string {
  const row = reportRow(file, report, (recipient) => classify(rules, recipient))
  const text = options.json ? terminalJson(row) : reportLines(row).map(terminalText).join('\n')
  if (!options.explain || report.type !== 'delivery-status') return `${text}\n`
  const reasons = report.recipients
    .filter(({ action }) => action === 'failed' || action === 'delayed')
    .flatMap((recipient) => explanationLines(recipient.finalRecipient, explain(rules, recipient)))
    .map(terminalText)
  if (!options.json) return `${[text, ...reasons].join('\n')}\n`
  process.stderr.write(reasons.map((line) => `${line}\n`).join(''))
  return `${text}\n`
}

/** Waits for a slow reader; ends quietly when it has gone away, as `head` does. */
function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve()
      else if ('code' in error && error.code === 'EPIPE') process.exit(0)
      else reject(error)
    })
  })
}
