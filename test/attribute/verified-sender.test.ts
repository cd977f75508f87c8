import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { createTransport } from 'nodemailer'
import { afterAll, describe, expect, test } from 'vitest'
import { type DkimThreadOptions, dkimThreadDefaults } from '../../src/attribute/dkim-thread.ts'
import {
  createSenderVerifier,
  type SenderVerdict,
  type SenderVerifier,
} from '../../src/attribute/verified-sender.ts'
import {
  ed25519Keys,
  type Keys,
  loops,
  pem,
  reportText,
  rsaKeys,
  signed,
  zone,
} from './signed-mail.ts'

const at = new Date('2026-11-21T10:00:00Z')
const seconds = Math.floor(at.getTime() / 1000)
const rsa = rsaKeys()
const ed25519 = ed25519Keys()
const d = 'arf.provider.example'
const records = {
  's1._domainkey.arf.provider.example': [rsa.record],
  's2._domainkey.arf.provider.example': ['v=spf1 -all', ed25519.record],
  '20230601._domainkey.mailhoster.example': [rsa.record],
  'down._domainkey.arf.provider.example': 'failed',
} as const

const verifiers: SenderVerifier[] = []
afterAll(async () => {
  await Promise.all(verifiers.map((verifier) => verifier.close()))
})

function createVerifier({
  dns = records as Parameters<typeof zone>[0],
  thread = {} as Partial<DkimThreadOptions>,
} = {}): SenderVerifier {
  const options = { ...dkimThreadDefaults, ...thread }
  const verifier = createSenderVerifier({ loops, resolveTxt: zone(dns), thread: options })
  verifiers.push(verifier)
  return verifier
}

const shared = createVerifier()
const verify = (message: string): Promise<SenderVerdict> =>
  shared.verify(Buffer.from(message, 'latin1'), at)

/** What the library alone says: that it is our rule which refuses. */
async function libraryResult(message: string, keys: Keys): Promise<string | undefined> {
  const resolver = async () => [[keys.record]]
  const { results } = await dkimVerify(Buffer.from(message, 'latin1'), { resolver, curTime: at })
  return results[0]?.status.result
}

describe('a report is of a known sender', () => {
  const verified = { result: 'verified', sender: 'provider', to: ['fbl@verified.example.com'] }

  test('when it is signed with RSA', async () => {
    expect(await verify(signed(reportText(), rsa, { d }))).toEqual(verified)
  })

  test('when it is signed with Ed25519', async () => {
    expect(await verify(signed(reportText(), ed25519, { d, s: 's2' }))).toEqual(verified)
  })

  test.each(['relaxed/relaxed', 'relaxed/simple', 'simple/relaxed', 'simple/simple'])(
    'when a library signs it as %s',
    async (canonicalization) => {
      const message = reportText()
      const key = { signingDomain: d, selector: 's1', privateKey: pem(rsa) }
      const { signatures } = await dkimSign(message, {
        ...key,
        algorithm: 'rsa-sha256',
        canonicalization,
        signTime: at,
        expires: new Date(at.getTime() + 1_000),
        signatureData: [key],
      })
      expect(await verify(signatures + message)).toEqual(verified)
    },
  )

  test('when a mail program signs it', async () => {
    const sender = createTransport({
      streamTransport: true,
      buffer: true,
      newline: 'windows',
      dkim: { domainName: d, keySelector: 's1', privateKey: pem(rsa) },
    })
    const mail = { from: 'Feedback <fbl@arf.provider.example>', to: 'fbl@verified.example.com' }
    const { message } = await sender.sendMail({ ...mail, subject: 'abuse', text: 'abuse' })
    expect(await verify(message.toString('latin1'))).toEqual(verified)
  })

  test('when one of several signatures is his', async () => {
    const other = signed(reportText(), rsaKeys(), { d: 'relay.example' })
    const broken = signed(other, rsaKeys(), { d })
    expect(await verify(signed(broken, rsa, { d }))).toEqual(verified)
  })

  test('when relays have added fields, some of them twice', async () => {
    const message = signed(reportText(), rsa, { d })
    const trace = 'Received: from a.example\r\n\tby b.example; now\r\nX-Note: 1\r\nX-Note: 2\r\n'
    expect(await verify(trace + message)).toEqual(verified)
  })

  test('whose domain no user can write from, whatever the local part is', async () => {
    const message = reportText({ from: '"Abuse, desk" <x-17@reports.mailhoster.example>' })
    const quoted = message.replace('"Abuse, desk"', 'Abuse desk')
    const tags = { d: 'mailhoster.example', s: '20230601', i: '@reports.mailhoster.example' }
    expect(await verify(signed(quoted, rsa, tags))).toMatchObject({ sender: 'mailhoster' })
  })
})

describe('a signature that the library lets pass proves nothing', () => {
  const weak = rsaKeys(512)

  test.each([
    ['of rsa-sha1', signed(reportText(), rsa, { d, a: 'rsa-sha1' }), 'algorithm'],
    ['of the head of the body', signed(reportText(), rsa, { d, l: '40' }), 'part-of-the-body'],
    ['without From', signed(reportText(), rsa, { d, h: 'to:content-type' }), 'unsigned-field'],
    ['without To', signed(reportText(), rsa, { d, h: 'from:content-type' }), 'unsigned-field'],
    ['without Content-Type', signed(reportText(), rsa, { d, h: 'from:to' }), 'unsigned-field'],
    [
      'without Content-Transfer-Encoding',
      signed(reportText({ fields: ['Content-Transfer-Encoding: 7bit'] }), rsa, { d }),
      'unsigned-field',
    ],
    ['of a domain below', signed(reportText(), rsa, { d: `x.${d}` }), 'foreign-signature'],
    [
      'of the domain above',
      signed(reportText(), rsa, { d: 'provider.example' }),
      'foreign-signature',
    ],
    ['of another domain', signed(reportText(), rsa, { d: 'evil.example' }), 'foreign-signature'],
    [
      'of a domain that ends like it',
      signed(reportText(), rsa, { d: 'notarf.provider.example' }),
      'foreign-signature',
    ],
    [
      'of a domain that begins like it',
      signed(reportText(), rsa, { d: 'arf.provider.example.evil.example' }),
      'foreign-signature',
    ],
    [
      'of another sender of the list',
      signed(reportText(), rsa, { d: 'mailhoster.example' }),
      'foreign-signature',
    ],
    ['of somebody else', signed(reportText(), rsa, { d, i: '@evil.example' }), 'malformed'],
    [
      'of a From that is in no list',
      signed(reportText({ from: 'user@arf.provider.example' }), rsa, { d }),
      'unknown-sender',
    ],
    [
      'of a From that only looks known',
      signed(reportText({ from: 'fbl@arf.provider.example <user@evil.example>' }), rsa, { d }),
      'header',
    ],
    [
      'of two authors',
      signed(reportText({ from: 'fbl@arf.provider.example, user@evil.example' }), rsa, { d }),
      'header',
    ],
    [
      'of a sender without a domain to sign',
      signed(reportText({ from: 'loop@unsigned.example' }), rsa, { d: 'unsigned.example' }),
      'foreign-signature',
    ],
    ['of a key that is too short', signed(reportText(), weak, { d, s: 'weak' }), 'bad-signature'],
  ])('%s', async (_, message, why) => {
    const keys = why === 'bad-signature' ? weak : rsa
    if (why !== 'bad-signature') expect(await libraryResult(message, keys)).toBe('pass')
    const dns = { ...records, 'weak._domainkey.arf.provider.example': [weak.record] }
    const verifier = createVerifier({ dns })
    const verdict = await verifier.verify(Buffer.from(message, 'latin1'), at)
    expect(verdict).toEqual({ result: 'unverified', why })
  })

  test.each([
    ['From', `From: user@evil.example\r\n`],
    ['To', `To: fbl@other.example\r\n`],
    ['Content-Type', `Content-Type: multipart/report; boundary="evil"\r\n`],
    ['Content-Transfer-Encoding', `Content-Transfer-Encoding: base64\r\n`.repeat(2)],
  ])('when there is a second %s', async (_, field) => {
    const message = field + signed(reportText(), rsa, { d })
    expect(await libraryResult(message, rsa)).toBe('pass')
    expect(await verify(message)).toEqual({ result: 'unverified', why: 'header' })
  })

  test.each([
    ['a half line break', 'X-A: a\rFrom: user@evil.example\r\n'],
    ['a line feed alone', 'X-A: a\nFrom: user@evil.example\r\n'],
    ['a NUL', 'X-A: a\0\r\n'],
    ['a blank before the colon', 'From : user@evil.example\r\n'],
    ['an mbox line', 'From user@evil.example Mon Jan  1 00:00:00 2026\r\n'],
    ['a line that is no field', 'hello\r\n'],
    ['a first line that goes on', ' hello\r\n'],
  ])('when the header has %s', async (_, line) => {
    const message = line + signed(reportText(), rsa, { d })
    expect(await verify(message)).toEqual({ result: 'unverified', why: 'header' })
  })
})

describe('nothing is proved', () => {
  const report = reportText()

  test.each([
    ['without a signature', report, 'no-signature'],
    ['by a body that was changed', `${signed(report, rsa, { d })}x`, 'bad-signature'],
    [
      'by a field that was changed',
      signed(report, rsa, { d }).replace('To: fbl@', 'To: fbl2@'),
      'bad-signature',
    ],
    ['by another key', signed(report, rsaKeys(), { d }), 'bad-signature'],
    ['by a key that is not there', signed(report, rsa, { d, s: 'gone' }), 'no-key'],
    ['after it has expired', signed(report, rsa, { d, x: `${seconds - 1}` }), 'expired'],
    [
      'when it expires before it was made',
      signed(report, rsa, { d, t: `${seconds}`, x: `${seconds - 9_000}` }),
      'expired',
    ],
    ['when its end is no time', signed(report, rsa, { d, x: 'never' }), 'expired'],
    [
      'when it comes from tomorrow',
      signed(report, rsa, { d, t: `${seconds + 86_400}` }),
      'expired',
    ],
    ['of another version', signed(report, rsa, { d, v: '2' }), 'malformed'],
    ['with a comment in it', signed(report, rsa, { d: `${d}(x)` }), 'malformed'],
    ['with a quoted domain', signed(report, rsa, { d: `"${d}"` }), 'malformed'],
    [
      'with a domain of other letters',
      signed(report, rsa, { d: 'arf.pr\u00f6vider.example' }),
      'malformed',
    ],
    ['with two domains', signed(report, rsa, { d, D: 'evil.example' }), 'malformed'],
    ['with a list that cannot be one', signed(report, rsa, { d, h: 'from:to::b=' }), 'malformed'],
    [
      'by six signatures',
      Array.from({ length: 6 }).reduce<string>((text) => signed(text, rsa, { d }), report),
      'too-many-signatures',
    ],
    ['to nobody', signed(report.replace(/^To:.*\r\n/m, ''), rsa, { d }), 'header'],
  ])('%s', async (_, message, why) => {
    expect(await verify(message)).toEqual({ result: 'unverified', why })
  })

  test.each([
    ['that is withdrawn', 'v=DKIM1; k=rsa; p='],
    ['that is tried out', `${rsa.record}; t=y`],
    ['for another algorithm', `${rsa.record}; h=sha1`],
    ['for another service', `${rsa.record}; s=tlsrpt`],
    ['of another type', rsa.record.replace('k=rsa', 'k=ed25519')],
    ['of another version', rsa.record.replace('DKIM1', 'DKIM2')],
    ['that is none', 'v=DKIM1; k=rsa; p=AAAA'],
  ])('by a key %s', async (_, record) => {
    const dns = { 's1._domainkey.arf.provider.example': [record] }
    const verdict = await createVerifier({ dns }).verify(
      Buffer.from(signed(report, rsa, { d })),
      at,
    )
    expect(verdict.result).toBe('unverified')
  })

  test('by one of two keys at the same name', async () => {
    const dns = { 's1._domainkey.arf.provider.example': [rsa.record, ed25519.record] }
    const verdict = await createVerifier({ dns }).verify(
      Buffer.from(signed(report, rsa, { d })),
      at,
    )
    expect(verdict).toEqual({ result: 'unverified', why: 'no-key' })
  })

  test('by a key that is not for domains below, in the name of one', async () => {
    const dns = { 's1._domainkey.arf.provider.example': [`${rsa.record}; t=s`] }
    const verifier = createVerifier({ dns })
    const own = Buffer.from(signed(report, rsa, { d, i: `@${d}` }))
    const below = Buffer.from(signed(report, rsa, { d, i: `@x.${d}` }))
    expect(await verifier.verify(own, at)).toMatchObject({ result: 'verified' })
    expect(await verifier.verify(below, at)).toMatchObject({ result: 'unverified' })
  })
})

describe('what is made to cost time', () => {
  test.each([
    ['2,000 signatures', signatures(2_000)],
    [
      'a folded header of 0.4 MB',
      `X-Long: a${'\r\n a'.repeat(100_000)}\r\n${signed(reportText(), rsa, { d })}`,
    ],
    [
      'a folded signature of 0.2 MB',
      `DKIM-Signature: v=1;${'\r\n a=b;'.repeat(30_000)}\r\n${reportText()}`,
    ],
    [
      'a signature of 20,000 fields',
      signed(reportText({ fields: ['X-A: a'] }), rsa, {
        d,
        h: `from:to:content-type${':x-a'.repeat(10_000)}`,
      }),
    ],
    ['20,000 recipients', signed(reportText({ to: 'a@b.example,'.repeat(4_000) }), rsa, { d })],
    ['a From of 100 kB', reportText({ from: 'a,'.repeat(50_000) })],
    ['a header without end', `X-A: ${'a'.repeat(1_000_000)}`],
    ['1,001 lines of header', `${'X-A: a\r\n'.repeat(1_000)}${signed(reportText(), rsa, { d })}`],
    ['a message of 11 MB', signed(reportText(), rsa, { d }) + 'a'.repeat(11 * 1024 * 1024)],
  ])('%s never comes to a thread or to DNS', async (_, message) => {
    const verifier = createSenderVerifier({
      loops,
      resolveTxt: () => Promise.reject(new Error('asked')),
      thread: {
        ...dkimThreadDefaults,
        startWorker: () => {
          throw new Error('started')
        },
      },
    })
    expect(await verifier.verify(Buffer.from(message, 'latin1'), at)).toMatchObject({
      result: 'unverified',
    })
  })

  function signatures(count: number): string {
    return (
      Array.from(
        { length: count },
        (_, n) => `DKIM-Signature: v=1; a=rsa-sha256; d=${d}; s=s${n}; h=from; bh=x; b=x\r\n`,
      ).join('') + reportText()
    )
  }

  const message = Buffer.from(signed(reportText(), rsa, { d }), 'latin1')

  test('a thread that hangs is cut off, and the next message is verified', async () => {
    const started: Worker[] = []
    const verifier = createVerifier({
      thread: {
        deadlineMs: 200,
        startWorker: () => {
          const hangs = 'require("worker_threads").parentPort.on("message", () => { for (;;); })'
          const worker =
            started.length === 0
              ? new Worker(hangs, { eval: true })
              : dkimThreadDefaults.startWorker()
          started.push(worker)
          return worker
        },
      },
    })
    expect(await verifier.verify(message, at)).toEqual({ result: 'undecided' })
    expect(await verifier.verify(message, at)).toMatchObject({ result: expect.any(String) })
    expect(started).toHaveLength(2)
  })

  test('a thread that dies takes nothing with it', async () => {
    const verifier = createVerifier({
      thread: {
        startWorker: () => {
          const dies =
            'require("worker_threads").parentPort.on("message", () => { throw new Error() })'
          return new Worker(dies, { eval: true })
        },
      },
    })
    expect(await verifier.verify(message, at)).toEqual({ result: 'undecided' })
    expect(await verifier.verify(message, at)).toEqual({ result: 'undecided' })
  })

  test('no more than a few wait for a thread that is busy', async () => {
    const worker = new Worker(
      `const { parentPort } = require('worker_threads')
       parentPort.on('message', () => setTimeout(() => parentPort.postMessage(true), 50))`,
      { eval: true },
    )
    await once(worker, 'online')
    const verifier = createVerifier({ thread: { maxWaiting: 2, startWorker: () => worker } })
    const verdicts = await Promise.all([1, 2, 3, 4].map(() => verifier.verify(message, at)))
    const results = verdicts.map(({ result }) => result)
    expect(results).toEqual(['verified', 'verified', 'undecided', 'undecided'])
  })
})

describe('without an answer from DNS', () => {
  test('it stays open who sent it', async () => {
    const message = signed(reportText(), rsa, { d, s: 'down' })
    expect(await verify(message)).toEqual({ result: 'undecided' })
  })

  test('another signature still decides', async () => {
    const message = signed(signed(reportText(), rsa, { d }), rsa, { d, s: 'down' })
    expect(await verify(message)).toMatchObject({ result: 'verified' })
  })
})
