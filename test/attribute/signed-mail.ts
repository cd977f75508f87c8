import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { ResolveTxt, TxtAnswer } from '../../src/attribute/dkim-resolver.ts'
import type { FeedbackLoop } from '../../src/attribute/feedback-loops.ts'

/** Senders that the tests can sign for. */
export const loops: readonly FeedbackLoop[] = [
  {
    name: 'provider',
    from: ['fbl@arf.provider.example'],
    dkimDomains: ['arf.provider.example'],
    envelopeDomains: ['arf.provider.example'],
    source: 'https://provider.example/feedback',
  },
  {
    name: 'mailhoster',
    from: ['reports.mailhoster.example'],
    dkimDomains: ['mailhoster.example'],
    envelopeDomains: [],
    source: 'https://mailhoster.example/feedback',
  },
  {
    name: 'unsigned-loop',
    from: ['loop@unsigned.example'],
    dkimDomains: [],
    envelopeDomains: [],
    source: 'https://unsigned.example/feedback',
  },
]

export type Keys = { privateKey: KeyObject; record: string }

export function rsaKeys(modulusLength = 1024): Keys {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength })
  return { privateKey, record: `v=DKIM1; k=rsa; p=${base64(publicKey)}` }
}

export function ed25519Keys(): Keys {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  // RFC 8463 section 4: the 32 bytes alone.
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  return { privateKey, record: `v=DKIM1; k=ed25519; p=${raw.toString('base64')}` }
}

function base64(publicKey: KeyObject): string {
  return publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
}

export function pem({ privateKey }: Keys): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** DNS as it stands in the test: texts at names; a name with `failed` is not answered. */
export function zone(records: Readonly<Record<string, readonly string[] | 'failed'>>): ResolveTxt {
  return async (name): Promise<TxtAnswer> => {
    const texts = records[name]
    if (texts === undefined) return { result: 'absent' }
    return texts === 'failed' ? { result: 'failed' } : { result: 'found', texts }
  }
}

export type Tags = Readonly<Record<string, string>>

/**
 * A message with a DKIM-Signature of any tags in front (simple/simple, RFC 6376 section 3.4): what
 * signing libraries would refuse to sign can be signed here.
 */
export function signed(message: string, keys: Keys, tags: Tags): string {
  const [head = '', ...rest] = message.split('\r\n\r\n')
  const body = `${rest.join('\r\n\r\n').replace(/(?:\r\n)*$/, '')}\r\n`
  const isEd25519 = keys.privateKey.asymmetricKeyType === 'ed25519'
  const all: Tags = {
    v: '1',
    a: isEd25519 ? 'ed25519-sha256' : 'rsa-sha256',
    c: 'simple/simple',
    s: 's1',
    h: 'from:to:content-type',
    bh: createHash(hashOf(tags))
      .update(body.slice(0, Number(tags['l'] ?? Number.MAX_SAFE_INTEGER)))
      .digest('base64'),
    ...tags,
  }
  const list = Object.entries(all).map(([name, value]) => `${name}=${value}`)
  const field = `DKIM-Signature: ${list.join('; ')}; b=`
  const content = `${signedFields(head, all['h'] ?? '')}${field}`
  return `${field}${signatureOf(content, keys, hashOf(all))}\r\n${message}`
}

/** From the last of a name upwards (RFC 6376 section 5.4.2). */
function signedFields(head: string, names: string): string {
  const fields = head.split(/\r\n(?![ \t])/)
  return names
    .split(':')
    .map((name) => {
      const at = fields.findLastIndex((field) =>
        field.toLowerCase().startsWith(`${name.trim().toLowerCase()}:`),
      )
      const [field] = at < 0 ? [] : fields.splice(at, 1)
      return field === undefined ? '' : `${field}\r\n`
    })
    .join('')
}

function signatureOf(content: string, { privateKey }: Keys, hash: string): string {
  const bytes = Buffer.from(content, 'latin1')
  const isRsa = createPublicKey(privateKey).asymmetricKeyType === 'rsa'
  const signature = isRsa
    ? sign(hash, bytes, privateKey)
    : sign(null, createHash('sha256').update(bytes).digest(), privateKey)
  return signature.toString('base64')
}

function hashOf(tags: Tags): string {
  return tags['a'] === 'rsa-sha1' ? 'sha1' : 'sha256'
}

export type Report = {
  from?: string
  to?: string
  recipient?: string | null
  /** Fields of the returned mail. */
  returned?: string
  /** Further fields of the report. */
  fields?: readonly string[]
}

/** An abuse report (RFC 5965) as `provider` sends it. */
export function reportText({
  from = 'fbl@arf.provider.example',
  to = 'fbl@verified.example.com',
  recipient = 'complainer@provider.example',
  returned = 'From: news@acme.example',
  fields = [],
}: Report = {}): string {
  return [
    `From: ${from}`,
    `To: ${to}`,
    'Subject: FW: News',
    ...fields,
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=feedback-report; boundary="arf"',
    '',
    '--arf',
    'Content-Type: text/plain',
    '',
    'This is an email abuse report.',
    '--arf',
    'Content-Type: message/feedback-report',
    '',
    'Feedback-Type: abuse',
    'User-Agent: Provider/1.0',
    'Version: 1',
    ...(recipient === null ? [] : [`Original-Rcpt-To: ${recipient}`]),
    '',
    '--arf',
    'Content-Type: message/rfc822',
    '',
    returned,
    'Subject: News',
    '',
    'text',
    '--arf--',
    '',
  ].join('\r\n')
}
