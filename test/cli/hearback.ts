import { afterAll, beforeAll, expect } from 'vitest'
import { type Finished, hearback } from '../support/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

export type CommandLine = {
  database: TestDatabase
  env: Record<string, string>
  /** Standard output of a command that succeeds and has nothing to complain of. */
  run(...args: string[]): Promise<string>
  /** The same with `--json`: one line, read. */
  json<Value>(...args: string[]): Promise<Value>
  /** A command that fails: exit code 1, nothing on standard output, one line of complaint. */
  complaint(...args: string[]): Promise<string>
}

/** The built program over a database of its own for one test file. */
export function useCommandLine(): CommandLine {
  const line = {} as CommandLine
  beforeAll(async () => {
    const database = await createTestDatabase()
    const env = {
      DATABASE_URL: database.url,
      HEARBACK_SECRET: 'a secret of the tests, long enough',
      HEARBACK_HOSTNAME: 'fb.hearback.example',
    }
    Object.assign(line, commandLine(env), { database, env })
  })
  afterAll(() => line.database.drop())
  return line
}

function commandLine(env: Record<string, string>): Omit<CommandLine, 'database' | 'env'> {
  const run = async (...args: string[]): Promise<string> => {
    const { stdout, ...rest } = await hearback(args, { env })
    expect(rest).toEqual({ code: 0, signal: null, stderr: '' })
    return stdout
  }
  return {
    run,
    json: async (...args) => {
      const text = await run(...args, '--json')
      expect(text).toMatch(/^.+\n$/)
      return JSON.parse(text)
    },
    complaint: async (...args) => complaintOf(await hearback(args, { env })),
  }
}

/** One line for people, and no stack of the program. */
export function complaintOf({ code, stdout, stderr }: Finished): string {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^.+\n$/)
  return stderr.trimEnd()
}
