import { resolve } from 'node:path'
import { type Diagnosis, readReply } from '../../src/classify/reading.ts'
import { loadRules } from '../../src/classify/rules.ts'

export const builtInDirectory = resolve(import.meta.dirname, '../../config/bounce-rules')

export const builtInRules = loadRules(builtInDirectory)

/** What a server said, and nothing else. */
export function said(reply: string): Diagnosis {
  return { ...readReply(reply), status: null, replyCode: null }
}
