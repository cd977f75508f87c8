import { expect, test } from 'vitest'
import { createAttribution } from '../../src/attribute/attribute.ts'
import { findDestination } from '../../src/attribute/destination.ts'
import type { InboundDomain } from '../../src/feedback/inbound-domain.ts'
import { parseReport } from '../../src/parse/report.ts'
import { loadSamples, sampleKey } from '../../src/samples.ts'
import { keyringOf } from './keys.ts'

const now = new Date('2026-11-21T10:00:00Z')
const keyring = keyringOf(sampleKey)
const domain: InboundDomain = {
  domain: 'bounce.localhost',
  tenantId: 1,
  accepts: 'signed',
  roleAddresses: [],
}
const samples = new Map(loadSamples().map((sample) => [sample.name, sample]))

async function whoseIs(name: string): Promise<unknown> {
  const sample = samples.get(name)
  const report = sample ? parseReport(sample.raw, '') : null
  if (!sample || report === null) throw new Error(`${name} is no sample`)
  const destination = await findDestination(keyring, async () => domain, sample.rcptTo ?? '')
  if (destination.result !== 'accepted') throw new Error(destination.result)
  const verifySender = () => Promise.reject(new Error('asked'))
  const findDomain = async () => domain
  const whose = await createAttribution(
    { keyring, verifySender, findDomain, now },
    report,
  )(destination)
  if (whose.result === 'unattributed') return whose.reason
  return whose.findings.map(({ attribution }) => [attribution.evidence, attribution.recipient])
}

// On a domain that wants tokens: samples.test.ts sees what one that accepts any makes of them.
test.each([
  ['delivery-status/sealed-token-returned', 'sealed-token', null],
  ['delivery-status/sealed-token-in-quoted-text', 'sealed-token', 'zenzi@written-to.example'],
  ['delivery-status/sealed-token-cut-off', 'sealed-token', 'gerda.dietz@written-to.example'],
  ['delivery-status/forwarder-with-srs', 'return-path-token', 'fanny.conrad@forwarder.example'],
  ['feedback-report/microsoft-header-only', 'sealed-token', 'bettina.xu@outlook.example'],
  ['feedback-report/microsoft-list-unsubscribe', 'sealed-token', 'cornelia.wolf@outlook.example'],
  ['feedback-report/microsoft-mixed-redacted', 'sealed-token', 'elli.brand@outlook.example'],
  ['feedback-report/cfbl-feedback-id', 'sealed-token', 'emil.unger@mailhoster.example'],
  ['feedback-report/yahoo-lower-cased', 'return-path-token', 'adele.winter@mailprovider.example'],
  ['feedback-report/aol-redacted-link-in-body', 'sealed-token', 'berta.young@aol-mail.example'],
  ['feedback-report/comcast-base64-refolded', 'sealed-token', 'carla.zimmer@cableco.example'],
  ['feedback-report/validity-message-id', 'sealed-token', 'dora.albrecht@mailhoster.example'],
  ['feedback-report/abuse-with-forged-recipient', 'sealed-token', 'bianca.token@hoster.example'],
  ['unsubscribe-request/mailto-with-token', 'sealed-token', 'mia.lorenz@example.org'],
  ['unsubscribe-request/mailto-german', 'sealed-token', 'petra.ilse@example.org'],
  [
    'unsubscribe-request/forwarded-by-somebody-else',
    'sealed-token',
    'ilona.subscribed@example.org',
  ],
  ['unsubscribe-request/mailto-apple-automatic', 'sealed-token', 'nora.keller@example.com'],
  ['unsubscribe-request/mailto-apple-auto-replied', 'sealed-token', 'jana.graf@icloudlike.example'],
  ['unsubscribe-request/mailto-gmail', 'sealed-token', 'kira.haas@mailbox.example'],
  ['unsubscribe-request/mailto-outlook', 'sealed-token', 'lina.igel@outlook.example'],
])('%s: %s of %s', async (name, evidence, recipient) => {
  expect(await whoseIs(name)).toEqual([[evidence, recipient ?? expect.any(String)]])
})

test.each([
  ['delivery-status/sealed-token-of-somebody-else-quoted', 'token-names-somebody-else'],
  ['unsubscribe-request/reply-quoting-a-link', 'no-token'],
  ['unsubscribe-request/mailto-without-token', 'no-token'],
  ['feedback-report/aol-redacted', 'no-token'],
  ['feedback-report/yahoo-abuse', 'no-token'],
  ['delivery-status/postfix-user-unknown', 'no-token'],
])('%s: %s', async (name, reason) => {
  expect(await whoseIs(name)).toBe(reason)
})
