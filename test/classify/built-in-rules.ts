import { resolve } from 'node:path'
import { loadRules } from '../../src/classify/rules.ts'

export const builtInDirectory = resolve(import.meta.dirname, '../../config/bounce-rules')

export const builtInRules = loadRules(builtInDirectory)

/** What a server said, and nothing else. */
export function said(diagnosticCode: string) {
  return { status: null, replyCode: null, diagnosticCode, remoteMta: null } as const
}
