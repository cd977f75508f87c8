import { userInfo } from 'node:os'
import type { ChangedBy } from '../feedback/actor.ts'

/** The operator at the terminal, for the audit trail; `reason` is what `--reason` says. */
export function commandActor(reason: string | null = null): ChangedBy {
  return { actor: { kind: 'command', id: userName(), name: null }, reason, requestId: null }
}

/** The number where the user has no name, as in many containers. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
