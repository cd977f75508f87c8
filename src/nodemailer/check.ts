export type CheckOptions = {
  /** Where the HTTP door of hearback is, such as http://127.0.0.1:8025. */
  url: string
  /** An API key with the scope suppressions.read. */
  apiKey: string
  /** While hearback does not answer: keep the mail back (default), or send it unasked. */
  ifUnavailable?: 'reject' | 'send' | undefined
  /** Default 2000. */
  timeoutMs?: number | undefined
}

/** What the check is to leave out, as the v3 API calls it. */
export type Bypass =
  | 'bypass_list_management'
  | 'bypass_bounce_management'
  | 'bypass_spam_management'
  | 'bypass_unsubscribe_management'

export type Question = { email: string; groupId: number | null; bypass: readonly Bypass[] }

/** The recipient is on a list: this mail must not be sent. */
export class SuppressedError extends Error {
  override name = 'SuppressedError'
  readonly code = 'EHEARBACKSUPPRESSED'
  readonly email: string
  /** Such as suppressed_bounce. */
  readonly reason: string | null
  /** Each list that suppresses, as the v3 API answers. */
  readonly lists: readonly unknown[]

  constructor(email: string, { reason, lists }: Verdict) {
    super(`this recipient gets no mail: ${reason}`)
    this.email = email
    this.reason = reason
    this.lists = lists
  }
}

/** Whether the recipient is on a list is not known. */
export class CheckFailedError extends Error {
  override name = 'CheckFailedError'
  readonly code = 'EHEARBACKCHECK'
  /** It may be known later. Otherwise the question is wrong: the key, the URL, the group. */
  readonly isOutage: boolean

  constructor(message: string, isOutage: boolean, cause?: unknown) {
    super(message, { cause })
    this.isOutage = isOutage
  }
}

type Verdict = { suppressed: boolean; reason: string | null; lists: readonly unknown[] }

/**
 * Asks hearback whether mail may be sent. The check rejects with a SuppressedError when not, and with
 * a CheckFailedError when there is no telling, unless an outage shall not keep mail back. Throws a
 * TypeError for options that cannot work.
 */
export function createCheck({
  url,
  apiKey,
  ifUnavailable = 'reject',
  timeoutMs = 2_000,
}: CheckOptions): (question: Question) => Promise<void> {
  const endpoint = new URL(`${url.replace(/\/$/, '')}/v3/suppression/check`)
  const headers = new Headers({
    Authorization: `Bearer ${apiKey}`,
    'Content-Type': 'application/json',
  })
  return async (question) => {
    try {
      const verdict = await ask(endpoint, headers, timeoutMs, question)
      if (verdict.suppressed) throw new SuppressedError(question.email, verdict)
    } catch (error) {
      const isForgiven = error instanceof CheckFailedError && error.isOutage
      if (!isForgiven || ifUnavailable === 'reject') throw error
    }
  }
}

async function ask(
  endpoint: URL,
  headers: Headers,
  timeoutMs: number,
  { email, groupId, bypass }: Question,
): Promise<Verdict> {
  const body = {
    emails: [email],
    ...(groupId === null ? {} : { asm: { group_id: groupId } }),
    mail_settings: Object.fromEntries(bypass.map((name) => [name, { enable: true }])),
  }
  const signal = AbortSignal.timeout(timeoutMs)
  const request = { method: 'POST', headers, body: JSON.stringify(body), signal } as const
  let status: number
  let text: string
  try {
    const response = await fetch(endpoint, { ...request, redirect: 'manual' })
    status = response.status
    text = await response.text()
  } catch (cause) {
    throw new CheckFailedError('hearback does not answer', true, cause)
  }
  if (status === 200) return readVerdict(text)
  const isOutage = status >= 500 || status === 429
  throw new CheckFailedError(`hearback answers ${status}: ${text.slice(0, 500)}`, isOutage)
}

function readVerdict(text: string): Verdict {
  try {
    const [result] = (JSON.parse(text) as { results: readonly Partial<Verdict>[] }).results
    if (typeof result?.suppressed === 'boolean') {
      const { suppressed, reason = null, lists = [] } = result
      return { suppressed, reason, lists }
    }
  } catch {
    // The error below says what is known.
  }
  throw new CheckFailedError('what answers the check is not hearback', false)
}
