/**
 * Who changes something: a program with a key or a JSON Web Token, an operator, or hearback itself,
 * of what it could not decide before.
 */
export type Actor =
  | { kind: 'api-key'; id: string; name: string }
  | { kind: 'jwt'; id: string; name: string | null }
  | { kind: 'command'; id: string; name: string | null }
  | { kind: 'daemon'; id: string; name: null }

/** Who, and what they say about it. */
export type ChangedBy = {
  actor: Actor
  /** In their own words: the X-Audit-Reason field, or `--reason`. */
  reason: string | null
  requestId: string | null
}
