import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds config/ and samples/, whether we run from src/, dist/ or node_modules/. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!isOurs(join(folder, 'package.json'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('hearback is not installed whole: no package.json of it')
    folder = parent
  }
  return folder
}

/** Where the built-in bounce rules are. */
export function rulesDirectory(): string {
  return join(packageRoot(), 'config', 'bounce-rules')
}

/** The senders of feedback loops that are built in. */
export function feedbackLoopsFile(): string {
  return join(packageRoot(), 'config', 'feedback-loops.json')
}

function isOurs(file: string): boolean {
  return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'hearback'
}

/** As package.json has it. */
export function packageVersion(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
