import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classify, type Diagnosis, explain, groundsOf } from '../../src/classify/classify.ts'
import { parseEnhancedStatusCode } from '../../src/feedback/status.ts'
import { builtInRules, said } from './built-in-rules.ts'

const nothing: Diagnosis = {
  status: null,
  replyCode: null,
  diagnosticCode: null,
  remoteMta: null,
  smtpCommand: null,
}

function meaningOf(diagnosis: Partial<Diagnosis>) {
  const { bounceClass, reason } = classify(builtInRules, { ...nothing, ...diagnosis })
  return `${bounceClass} ${reason}`
}

describe('the order of trust', () => {
  test('the words of a provider beat generic words', () => {
    const diagnosticCode = '550 Mailbox unavailable or access denied. http://service.mail.qq.com/'
    expect(meaningOf({ diagnosticCode })).toBe('soft mailbox-busy')
  })

  test('words beat the code beside them', () => {
    expect(meaningOf({ diagnosticCode: '550 5.7.1 No such user' })).toBe('hard user-unknown')
    expect(meaningOf({ diagnosticCode: '550 5.1.1 Mailbox is full' })).toBe('soft mailbox-full')
  })

  test('the code in the text beats the Status field', () => {
    expect(meaningOf({ diagnosticCode: '550 5.7.1 Sorry', status: '5.1.1' })).toBe('block policy')
    expect(meaningOf({ diagnosticCode: '550 5.1.1 Sorry', status: '5.0.0' })).toBe(
      'hard user-unknown',
    )
  })

  test('a code that says nothing leaves it to the next one', () => {
    expect(meaningOf({ diagnosticCode: '550 5.0.0 Sorry', status: '5.1.1' })).toBe(
      'hard user-unknown',
    )
  })

  test('the Status field beats the SMTP reply code', () => {
    expect(meaningOf({ status: '5.1.1', replyCode: 552 })).toBe('hard user-unknown')
    expect(meaningOf({ replyCode: 552 })).toBe('soft mailbox-full')
  })

  test('without any of them it is soft, unknown, and no rule', () => {
    const unknown = { bounceClass: 'soft', reason: 'unknown', rule: null }
    expect(classify(builtInRules, nothing)).toEqual(unknown)
    expect(classify(builtInRules, said('550 Qwertz uiop'))).toEqual(unknown)
    expect(classify(builtInRules, said('550 5.0.0 Qwertz uiop'))).toEqual(unknown)
  })

  test('the remote MTA tells the provider when the words do not', () => {
    const silent = '550 : User unknown'
    expect(meaningOf({ diagnosticCode: silent, remoteMta: 'msmx.au.com' })).toBe('block policy')
    expect(meaningOf({ diagnosticCode: silent, remoteMta: 'mx.example.com' })).toBe(
      'hard user-unknown',
    )
  })
})

describe('the command that was answered', () => {
  test.each([
    ['mfsmax.docomo.ne.jp', '550 Unknown user a@example.com'],
    ['msmx.au.com', '550 <a@example.com>: User unknown'],
    ['lsean.ezweb.ne.jp', '550 <a@example.com>: User unknown'],
    ['mx.softbank.ne.jp', '550 Invalid recipient: <a@example.com>'],
  ])('tells a refused message from a missing mailbox at %s', (remoteMta, diagnosticCode) => {
    const answer = { remoteMta, diagnosticCode }
    expect(meaningOf({ ...answer, smtpCommand: 'data' })).toBe('block policy')
    expect(meaningOf({ ...answer, smtpCommand: 'rcpt' })).toBe('hard user-unknown')
    expect(meaningOf(answer)).toBe('hard user-unknown')
  })

  test('changes nothing at other servers', () => {
    const answer = { diagnosticCode: '550 Unknown user', remoteMta: 'mx.example.com' }
    expect(meaningOf({ ...answer, smtpCommand: 'data' })).toBe('hard user-unknown')
  })

  test('is the sender, when MAIL FROM is refused in words that no rule knows', () => {
    const diagnosticCode = '550 5.1.1 Qwertz uiop'
    expect(meaningOf({ diagnosticCode, smtpCommand: 'mail' })).toBe('block sender-rejected')
    expect(meaningOf({ diagnosticCode, smtpCommand: 'rcpt' })).toBe('hard user-unknown')
  })

  test('is shown with the rule that asked for it', () => {
    const answer = said('550 Unknown user (in reply to end of DATA command)')
    const { matches } = explain(builtInRules, { ...answer, remoteMta: 'mfsmax.docomo.ne.jp' })
    expect(matches.map(groundsOf)).toEqual(['text in reply to data', 'text', 'text'])
  })
})

describe('codes alone', () => {
  test.each([
    ['5.1.1', 'hard user-unknown'],
    ['4.1.1', 'soft user-unknown'],
    ['5.1.2', 'hard domain-not-found'],
    ['5.1.8', 'block sender-rejected'],
    ['5.1.10', 'hard domain-without-mail'],
    ['5.1.99', 'hard user-unknown'],
    ['5.2.1', 'hard mailbox-disabled'],
    ['5.2.2', 'soft mailbox-full'],
    ['5.2.121', 'block rate-limited'],
    ['5.2.122', 'soft mailbox-busy'],
    ['5.3.4', 'soft message-too-large'],
    ['5.4.1', 'soft connection'],
    ['5.4.6', 'soft routing'],
    ['5.4.316', 'soft routing'],
    ['5.7.1', 'block policy'],
    ['4.7.28', 'block rate-limited'],
    ['5.7.26', 'block authentication'],
    ['5.7.606', 'block ip-reputation'],
    ['5.7.999', 'block policy'],
    ['5.9.9', 'soft unknown'],
  ])('%s is %s', (status, meaning) => {
    expect(meaningOf({ status: parseEnhancedStatusCode(status) })).toBe(meaning)
  })
})

const anyWords = fc.constantFrom(
  'User unknown',
  'No such user here',
  'This mailbox is disabled',
  'The email account that you tried to reach does not exist',
  'Host or domain name not found',
  'Recipient address rejected: Access denied',
  'Пользователь не найден',
  'Sorry',
)
const detail = fc.integer({ min: 0, max: 999 })

describe('never hard', () => {
  test('with a class 4 code, wherever it stands', () => {
    fc.assert(
      fc.property(anyWords, detail, detail, fc.boolean(), (words, subject, number, inText) => {
        const code = `4.${subject}.${number}`
        const diagnosis = inText
          ? { diagnosticCode: `450 ${code} ${words}` }
          : { diagnosticCode: words, status: parseEnhancedStatusCode(code) }
        expect(meaningOf(diagnosis)).not.toMatch(/^hard/)
      }),
    )
  })

  test('with a 4xx reply', () => {
    fc.assert(
      fc.property(anyWords, fc.integer({ min: 400, max: 499 }), (words, replyCode) => {
        expect(meaningOf({ diagnosticCode: `${replyCode} ${words}` })).not.toMatch(/^hard/)
        expect(meaningOf({ diagnosticCode: words, replyCode })).not.toMatch(/^hard/)
      }),
    )
  })

  test('with 5.2.2, mailbox full', () => {
    fc.assert(
      fc.property(anyWords, (words) => {
        expect(meaningOf({ diagnosticCode: `550 5.2.2 ${words}` })).not.toMatch(/^hard/)
        expect(meaningOf({ diagnosticCode: words, status: '5.2.2' })).not.toMatch(/^hard/)
      }),
    )
  })

  test('because of the words of an address', () => {
    const localPart = fc.constantFrom('no-such-user', 'user.unknown', 'does-not-exist', 'disabled')
    fc.assert(
      fc.property(localPart, fc.constantFrom('<', '"', '[', ''), (name, mark) => {
        const diagnosticCode = `550 ${mark}${name}@unknown-user.example: Sorry`
        expect(meaningOf({ diagnosticCode })).toBe('soft unknown')
      }),
    )
  })
})

test('any text gets an answer', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('@', '<', '5', '.', '1', ' ', '-', 'é') }),
  )
  fc.assert(
    fc.property(text, text, (diagnosticCode, remoteMta) => {
      const { bounceClass } = classify(builtInRules, { ...nothing, diagnosticCode, remoteMta })
      expect(['hard', 'soft', 'block']).toContain(bounceClass)
    }),
  )
})

describe('explain', () => {
  test('names the rule that decided, what it read, and what it beat', () => {
    const { classification, matches } = explain(builtInRules, {
      ...nothing,
      diagnosticCode: '550 5.7.1 No such user!',
      status: '5.0.0',
      replyCode: 550,
    })
    expect(classification.rule).toBe('yandex-user')
    expect(matches.map(({ rule, grounds }) => `${grounds}: ${rule.name}`)).toEqual([
      'text: yandex-user',
      'text: no-such-user',
      'code in the text: status-not-authorized',
      'code in the text: status-subject-security',
    ])
  })

  test('says when a code made hard soft', () => {
    expect(explain(builtInRules, said('450 4.1.1 User unknown')).softened).toBe(true)
    expect(explain(builtInRules, said('550 5.1.1 User unknown')).softened).toBe(false)
  })
})
