import { beforeAll, expect, test } from 'vitest'
import { hearback } from '../support/daemon.ts'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()

beforeAll(async () => {
  await line.run('tenant', 'add', 'shop')
})

test('a domain comes with its DNS records, ready to paste', async () => {
  const added = await line.json('domain', 'add', 'Bounces.Shop-Name.COM.', '--tenant', 'shop')
  expect(added).toEqual({
    domain: 'bounces.shop-name.com',
    tenantId: expect.any(Number),
    accepts: 'signed',
    roleAddresses: [],
    dns: [
      'bounces.shop-name.com.  IN MX   10 fb.hearback.example.',
      'bounces.shop-name.com.  IN TXT  "v=spf1 include:shop-name.com -all"',
      '_dmarc.shop-name.com.  IN TXT  "v=DMARC1; p=none; aspf=r"',
    ],
    warnings: [],
  })
})

test.each([
  ['bounces.shop.co.uk', 'include:shop.co.uk', 'shop.co.uk'],
  ['shop-two.co.uk', 'mx', 'shop-two.co.uk'],
  ['bounces.eu.shop-three.com', 'include:shop-three.com', 'shop-three.com'],
  ['bounces.shop.uk.com', 'include:shop.uk.com', 'shop.uk.com'],
  ['bounces.shop.test', 'include:shop.test', 'shop.test'],
  ['co.uk', 'mx', 'co.uk'],
])('%s: SPF and DMARC stand where the organisation is (%s, %s)', async (domain, senders, from) => {
  const { dns } = await line.json<{ dns: string[] }>('domain', 'add', domain, '--tenant', 'shop')
  expect(dns.slice(1)).toEqual([
    `${domain}.  IN TXT  "v=spf1 ${senders} -all"`,
    `_dmarc.${from}.  IN TXT  "v=DMARC1; p=none; aspf=r"`,
  ])
})

test('a machine without a full name is told to have one, and stands in no record', async () => {
  const env = { ...line.env, HEARBACK_HOSTNAME: 'vm' }
  const args = ['domain', 'add', 'short.shop-name.com', '--tenant', 'shop']
  const { code, stdout } = await hearback(args, { env })
  expect(code).toBe(0)
  expect(stdout).toContain('IN MX   10 <full name of this machine>.\n')
  expect(stdout).toContain(
    'WARNING: vm is no full name: set HEARBACK_HOSTNAME to the full name of this machine',
  )
})

test.each(['quiet.test', 'quiet.localhost', 'quiet.example', 'quiet.shop-name.com'])(
  '%s accepts signed reports only, as long as nobody says otherwise',
  async (domain) => {
    const added = await line.json('domain', 'add', domain, '--tenant', 'shop')
    expect(added).toMatchObject({ accepts: 'signed' })
  },
)

test('names from elsewhere are stored as the DNS knows them', async () => {
  const added = await line.json('domain', 'add', 'rück.bücher-shop.de', '--tenant', 'shop')
  expect(added).toMatchObject({ domain: 'xn--rck-hoa.xn--bcher-shop-9db.de' })
})

test('a domain that believes everybody is warned of, unless nobody can reach it', async () => {
  const args = ['--tenant', 'shop', '--accept', 'any']
  expect(await line.run('domain', 'add', 'open.shop-name.com', ...args)).toContain(
    'WARNING: open.shop-name.com believes every report. Anybody can suppress anybody there.',
  )
  expect(await line.run('domain', 'add', 'open.test', ...args)).not.toContain('WARNING')
})

test('who added a domain is in the audit trail', async () => {
  await line.run('tenant', 'add', 'audited')
  await line.run('domain', 'add', 'audited.example', '--tenant', 'audited', '--reason', 'ticket 3')
  expect(await line.json('audit', '--tenant', 'audited')).toMatchObject([
    { action: 'domain.add', reason: 'ticket 3', detail: { domain: 'audited.example' } },
  ])
})

test('the list shows whose domains there are and what they take', async () => {
  await line.run('domain', 'add', 'fbl.shop-name.com', '--platform')
  await line.run('domain', 'add', 'x.example', '--tenant', 'shop', '--role', 'Complaints', 'back')
  const listed = await line.run('domain', 'ls')
  expect(listed).toMatch(/^fbl\.shop-name\.com +\(platform\) +signed +$/m)
  expect(listed).toMatch(/^x\.example +shop +signed +complaints back$/m)
  expect(await line.json('domain', 'ls')).toContainEqual(
    expect.objectContaining({ domain: 'x.example', tenant: 'shop', accepts: 'signed' }),
  )
})

test.each([
  [['no domain', '--tenant', 'shop'], 'no domain is no domain'],
  [['a.example', '--tenant', 'nobody'], 'there is no tenant nobody'],
  [['a.example'], 'say whose domain it is: --tenant <name> or --platform'],
  [['a.example', '--tenant', 'shop', '--platform'], 'say whose domain it is'],
  [
    ['a.example', '--platform', '--accept', 'verified'],
    'a domain of the platform takes tokens alone: leave --accept away',
  ],
  [
    ['a.example', '--tenant', 'shop', '--accept', 'all'],
    '--accept takes signed, verified or any, not all',
  ],
  [['bounces.shop-name.com', '--tenant', 'shop'], 'domain bounces.shop-name.com is there already'],
  [[], "missing required argument 'domain'"],
])('domain add %j is refused', async (args, said) => {
  expect(await line.complaint('domain', 'add', ...args)).toContain(said)
})
