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

function isOurs(file: string): boolean {
  return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'hearback'
}
