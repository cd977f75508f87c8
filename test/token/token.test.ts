import { describe, expect, test } from 'vitest'
import { writeKeyExport } from '../../src/attribute/key-export.ts'
import { isRecipientOf, readReturnPath } from '../../src/attribute/return-path-token.ts'
import { openSealed } from '../../src/attribute/sealed-token.ts'
import { sampleKey } from '../../src/samples.ts'
import {
  feedbackHeaders,
  readSigningKey,
  renderTags,
  sealedToken,
  signReturnPath,
} from '../../src/token/token.ts'

const exported = 'hbk1.1.1.0.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8.1aeb4a33'
const key = readSigningKey(exported)
const domain = 'bounces.example.com'
const publicUrl = 'https://feedback.example.com'
const email = 'Anna@Example.NET'
const now = new Date('2026-11-21T12:00:00Z')
const day = 20_778

test('an exported key is read with or without its line end, and nothing else is', () => {
  expect(readSigningKey(`${exported}\r\n`)).toEqual(sampleKey)
  for (const other of [
    '',
    exported.slice(0, -1),
    exported.toUpperCase(),
    `${exported} ${exported}`,
  ]) {
    expect(() => readSigningKey(other)).toThrow(TypeError)
  }
  const short = writeKeyExport({ id: 1, tenantId: 1, slot: 0 }, Buffer.alloc(31))
  expect(() => readSigningKey(short)).toThrow('not an exported signing key')
})

test('an error about a key does not show it', () => {
  try {
    readSigningKey(exported.slice(0, -1))
  } catch (error) {
    expect(String(error)).not.toContain('AAEC')
  }
})

test('a return path of the recipient, in any spelling', async () => {
  const address = signReturnPath({ key, domain: 'Bounces.Example.com.', email, now })
  expect(address).toBe(`baaaaaaabkeviv56d6nuwivfpqeqtegvjy5w2fx5y@${domain}`)
  const named = signReturnPath({ key, domain, email, messageId: '<1@example.com>', now })
  const token = await readReturnPath(named.split('@')[0] ?? '', domain, async () => key)
  expect(token).toMatchObject({ day, messageReference: '72107cb5a7083976' })
  expect(token && isRecipientOf(token, 'anna@example.net')).toBe(true)
})

test('a sealed token of each purpose', async () => {
  for (const purpose of ['reference', 'unsubscribe', 'preferences'] as const) {
    const groups = { groupId: 12, groupsToDisplay: [12, 13, 12] }
    const text = sealedToken({ key, purpose, email, ...groups, messageId: null, now })
    expect(await openSealed(text, async () => key)).toEqual({
      purpose,
      tenantId: 1,
      day,
      groupId: 12,
      groupsToDisplay: [12, 13],
      messageReference: null,
      recipient: 'anna@example.net',
    })
  }
})

test('all that a mail needs is made of these', () => {
  const groups = { groupId: 12, groupsToDisplay: [12] }
  const mail = { key, email, messageId: 'order 77', now }
  const made = feedbackHeaders({ ...mail, ...groups, domain, publicUrl: `${publicUrl}/` })
  const seal = (purpose: 'reference' | 'unsubscribe' | 'preferences') =>
    sealedToken({ ...mail, ...groups, purpose })
  expect(made).toEqual({
    returnPath: signReturnPath({ ...mail, domain }),
    headers: {
      'List-Unsubscribe': `<${publicUrl}/u/${seal('unsubscribe')}>, <mailto:unsubscribe@${domain}?subject=${seal('unsubscribe')}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      'CFBL-Address': `fbl@${domain}; report=arf`,
      'CFBL-Feedback-ID': seal('reference'),
      'X-Hearback-Ref': seal('reference'),
    },
    unsubscribeUrl: `${publicUrl}/u/${seal('unsubscribe')}`,
    preferencesUrl: `${publicUrl}/p/${seal('preferences')}`,
  })
})

test('the tags of a mail become the links of its recipient', () => {
  const mail = { key, email, groupId: 12, now, publicUrl }
  const { unsubscribeUrl, preferencesUrl } = feedbackHeaders({ ...mail, domain })
  const html = '<a href="<%asm_group_unsubscribe_raw_url%>">leave</a>'
  const text = 'Leave: [leave] or <%asm_preferences_raw_url%>'
  const fromAll = sealedToken({ ...mail, groupId: null, purpose: 'unsubscribe' })
  expect(renderTags({ ...mail, html, text, substitutionTag: '[leave]' })).toEqual({
    html: `<a href="${unsubscribeUrl}">leave</a>`,
    text: `Leave: ${publicUrl}/u/${fromAll} or ${preferencesUrl}`,
  })
  expect(renderTags(mail)).toEqual({ html: null, text: null })
  expect(() => renderTags({ ...mail, groupId: null, html })).toThrow('groupId: is needed')
})

test('today, when nothing else is said', () => {
  const claim = { key, domain, email }
  const possible = [new Date(), new Date(Date.now() + 1000)].map((at) =>
    signReturnPath({ ...claim, now: at }),
  )
  expect(possible).toContain(signReturnPath(claim))
})

describe('what cannot be signed', () => {
  test('is refused: a purpose that there is not', () => {
    const purpose = 'bounce' as 'reference'
    expect(() => sealedToken({ key, purpose, email })).toThrow('purpose: must be one of')
  })

  test.each([
    [{ email: 'nobody' }, 'email: '],
    [{ email: 'a@b.example\r\nBcc: c@d.example' }, 'email: '],
    [{ domain: 'no domain' }, 'domain: '],
    [{ domain: 'b.example>\r\nX: y' }, 'domain: '],
    [{ publicUrl: 'feedback.example.com' }, 'publicUrl: '],
    [{ publicUrl: 'https://feedback.example.com\r\nX: y' }, 'publicUrl: '],
    [{ publicUrl: 'https://feedback.example.com>, <x' }, 'publicUrl: '],
    [{ messageId: '' }, 'messageId: '],
    [{ groupId: 0 }, 'groupId: '],
    [{ groupId: 1.5 }, 'groupId: '],
    [{ groupId: 2 ** 31 }, 'groupId: '],
    [{ groupsToDisplay: [1, -1] }, 'groupsToDisplay: '],
    [{ groupsToDisplay: Array.from({ length: 26 }, (_, at) => at + 1) }, 'groupsToDisplay: '],
    [{ now: new Date(Number.NaN) }, 'now: '],
    [{ now: new Date('2150-01-01') }, 'now: '],
  ])('is refused: %j', (wrong, said) => {
    const claim = { key, domain, publicUrl, email, ...wrong }
    expect(() => feedbackHeaders(claim)).toThrow(TypeError)
    expect(() => feedbackHeaders(claim)).toThrow(said)
  })
})
