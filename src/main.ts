#!/usr/bin/env node
import { type Command, CommanderError } from 'commander'
import { RulesError } from './classify/rules.ts'
import { createProgram } from './cli/cli.ts'
import { CommandError } from './cli/command-error.ts'
import { ConfigError, exitCodeConfig, readConfig } from './config.ts'
import { EmbeddedPostgresError } from './db/embedded-error.ts'
import { MigrationError } from './db/migrate.ts'

// The daemon is loaded by those who run it: other commands start in half the time.
const program = createProgram()
program
  .command('serve', { isDefault: true })
  .description('receive mail and clicks, and answer the API (the default)')
  .allowExcessArguments()
  .action(async (_options: object, { args: [word] }: Command) => {
    // Being the default, it also gets what is no command at all.
    if (word !== undefined) throw new CommandError(`unknown command '${word}'`)
    const { serve } = await import('./serve.ts')
    await serve(readConfig())
  })
program
  .command('demo')
  .description('serve from a data directory of its own, and send the samples through it')
  .action(async () => {
    const { demo } = await import('./demo.ts')
    await demo()
  })

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

/** One clear line for what the operator can mend, a stack for what we must. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode
  const isExpected =
    error instanceof CommandError ||
    error instanceof ConfigError ||
    error instanceof EmbeddedPostgresError ||
    error instanceof MigrationError ||
    error instanceof RulesError ||
    isOfListening(error)
  const text = error instanceof Error ? (isExpected ? error.message : error.stack) : String(error)
  process.stderr.write(`hearback: ${text}\n`)
  return error instanceof ConfigError || error instanceof RulesError ? exitCodeConfig : 1
}

/** The port is taken or not ours to have, or the address is not of this machine. */
function isOfListening(error: unknown): boolean {
  return (
    error instanceof Error &&
    'syscall' in error &&
    /^(?:listen|getaddrinfo)$/.test(String(error.syscall))
  )
}
