import type { Command } from 'commander'
import { failedExamples } from '../classify/examples.ts'
import { loadRules, type Rules } from '../classify/rules.ts'
import { readConfig } from '../config.ts'
import { CommandError } from './command-error.ts'
import { rulesDirectory } from './package-root.ts'

/** `hearback rules`: checks for whoever writes bounce rules. */
export function addRulesCommand(program: Command): void {
  const rules = program.command('rules').description('check bounce rules')
  rules
    .command('lint')
    .description('read the built-in rules and yours, and report everything that is wrong in them')
    .argument('[directory]', 'your rules; HEARBACK_RULES_DIR when absent')
    .action((directory?: string) => {
      process.stdout.write(`${summary(load(directory))}\n`)
    })
  rules
    .command('test')
    .description('as lint, and see that every rule decides its own example')
    .argument('[directory]', 'your rules; HEARBACK_RULES_DIR when absent')
    .action((directory?: string) => {
      const loaded = load(directory)
      const failed = failedExamples(loaded).map(({ rule, decidedBy }) => {
        const other =
          decidedBy === rule.name ? 'its code is temporary' : `${decidedBy ?? 'no rule'}`
        return `${rule.file}: ${rule.name}: does not decide its example (${other} does): ${rule.example}`
      })
      if (failed.length > 0) throw new CommandError(`examples fail:\n${failed.join('\n')}`)
      process.stdout.write(`${summary(loaded)}, each decides its own example\n`)
    })
}

function load(directory: string | undefined): Rules {
  return loadRules(rulesDirectory(), directory ?? readConfig().rulesDir)
}

function summary({ own, texts, codes }: Rules): string {
  const builtIn = texts.rules.length + codes.length
  const files = new Set([...own.rules, ...texts.rules, ...codes].map((rule) => rule.file))
  return `${builtIn} built-in rules and ${own.rules.length} of yours in ${files.size} files are well-formed`
}
