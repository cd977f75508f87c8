import type { Command } from 'commander'
import { exampleEnvironment, readConfig, variablesInForce } from '../config.ts'
import { print, table } from './output.ts'

export function addConfigCommand(program: Command): void {
  program
    .command('config')
    .description('print every variable with the value in force; fails when one is not usable')
    .option('--json', 'print JSON')
    .option('--example', 'print a commented environment file instead')
    .action(({ json = false, example = false }: { json?: boolean; example?: boolean }) => {
      if (example) {
        process.stdout.write(exampleEnvironment())
        return
      }
      const variables = variablesInForce()
      const rows = variables.map(({ name, value, origin, description }) => [
        name,
        value ?? '-',
        origin,
        description,
      ])
      print(json, variables, table(['VARIABLE', 'VALUE', 'FROM', 'MEANING'], rows))
      for (const warning of readConfig().warnings) process.stderr.write(`warning: ${warning}\n`)
    })
}
