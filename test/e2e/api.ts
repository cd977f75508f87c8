import type { Address } from '../support/daemon.ts'

export const apiKey = 'hb_live_0123456789abcdef0123456789abcdef01234567'
export const secret = 'a secret of the tests, long enough'

export type Bounce = {
  email: string
  created: number
  reason: string | null
  bounce_type: string | null
  status: string | null
}

type Door = { http: Address }

export async function get<Body>(
  { http }: Door,
  path: string,
  key = apiKey,
): Promise<{ status: number; body: Body }> {
  const response = await fetch(`http://${http.host}:${http.port}${path}`, {
    headers: { authorization: `Bearer ${key}` },
  })
  return { status: response.status, body: (await response.json()) as Body }
}

export async function bounces(door: Door, key = apiKey): Promise<Bounce[]> {
  const { body } = await get<{ bounces: Bounce[] }>(door, '/v3/suppression/bounces?limit=500', key)
  return body.bounces
}

export async function spamReports(door: Door): Promise<string[]> {
  const path = '/v3/suppression/spam_reports?limit=500'
  const { body } = await get<{ spam_reports: { email: string }[] }>(door, path)
  return body.spam_reports.map(({ email }) => email)
}

export async function globalUnsubscribes(door: Door): Promise<string[]> {
  const path = '/v3/asm/suppressions/global?limit=500'
  return (await get<{ recipient_emails: string[] }>(door, path)).body.recipient_emails
}

/** Every address on any list. */
export async function listed(door: Door): Promise<string[]> {
  const bounced = (await bounces(door)).map(({ email }) => email)
  return [...bounced, ...(await spamReports(door)), ...(await globalUnsubscribes(door))]
}
