import { beforeAll, expect, test } from 'vitest'
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
      expect.stringMatching(/^bounces\.shop-name\.com\. {2}IN MX {3}10 \S+\.$/),
      'bounces.shop-name.com.  IN TXT  "v=spf1 include:shop-name.com -all"',
      '_dmarc.shop-name.com.  IN TXT  "v=DMARC1; p=none; aspf=r"',
    ],
  })
})

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

test('the list shows whose domains there are and what they take', async () => {
  await line.run('domain', 'add', 'fbl.shop-name.com', '--platform')
  await line.run('domain', 'add', 'x.example', '--tenant', 'shop', '--role', 'Complaints', 'back')
  const listed = await line.run('domain', 'ls')
  expect(listed).toMatch(/^fbl\.shop-name\.com +\(platform\) +signed +$/m)
  expect(listed).toMatch(/^x\.example +shop +any +complaints back$/m)
  expect(await line.json('domain', 'ls')).toContainEqual(
    expect.objectContaining({ domain: 'x.example', tenant: 'shop', accepts: 'any' }),
  )
})

test.each([
  [['no domain', '--tenant', 'shop'], 'no domain is no domain'],
  [['a.example', '--tenant', 'nobody'], 'there is no tenant nobody'],
  [['a.example'], 'say whose domain it is: --tenant <name> or --platform'],
  [['a.example', '--tenant', 'shop', '--platform'], 'say whose domain it is'],
  [['a.example', '--tenant', 'shop', '--accept', 'all'], '--accept takes signed or any, not all'],
  [['bounces.shop-name.com', '--tenant', 'shop'], 'domain bounces.shop-name.com is there already'],
  [[], "missing required argument 'domain'"],
])('domain add %j is refused', async (args, said) => {
  expect(await line.complaint('domain', 'add', ...args)).toContain(said)
})
