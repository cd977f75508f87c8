import type { Locator, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { changeRecipientPage } from '../../src/tenant/recipient-page.ts'
import { useDoor } from '../http/door.ts'
import { recipientsOf } from '../http/recipient/recipient.ts'
import { expectAccessible, hasBrowser, useBrowser, type Visitor } from './browser.ts'

describe.skipIf(!hasBrowser)('recipient pages in a browser', () => {
  const door = useDoor()
  const recipients = recipientsOf(door)
  const visit = useBrowser()

  let tenantId: number
  let groups: { news: number; offers: number; gone: number }
  beforeAll(async () => {
    ;({ tenantId } = await door.addTenant())
    groups = {
      news: await recipients.addGroup(tenantId, 'Weekly news'),
      offers: await recipients.addGroup(tenantId, 'Offers'),
      gone: await recipients.addGroup(tenantId, 'Christmas', true),
    }
    const footer = 'Acme Garden Supplies Ltd.\n12 Orchard Road, Leeds, United Kingdom'
    const page = {
      senderName: 'Acme Garden Supplies',
      color: '#0f7a4f',
      landingUrl: 'https://acme.example/',
      texts: { default: { farewell: 'You are always welcome back.', footer } },
    }
    await changeRecipientPage(door.sql, tenantId, page, new Date())
  })

  const add = (groupId: number | null = groups.news) =>
    recipients.add({ tenantId, groupId, groupsToDisplay: Object.values(groups) })

  const button = (page: Page, name: string): Locator =>
    page.getByRole('button', { name, exact: true })

  const backgroundOf = (page: Page, element: string): Promise<string> =>
    page.evaluate(`getComputedStyle(document.querySelector('${element}')).backgroundColor`)

  /** Nothing was loaded but the pages themselves, and nothing had to be kept from loading. */
  function expectNothingForeign({ requests, refused }: Visitor): void {
    expect(requests.filter((url) => !url.startsWith(`${door.url}/`))).toEqual([])
    expect(refused).toEqual([])
  }

  test('without scripts: unsubscribe, undo, unsubscribe, choose, save, leave all, come back', async () => {
    const visitor = await visit({ javaScriptEnabled: false })
    const { page, see } = visitor
    const { address, unsubscribe, preferences } = await add()
    await page.goto(`${door.url}/u/${unsubscribe}`)
    await see('question')
    await button(page, 'Unsubscribe').click()
    await page.getByRole('heading', { name: 'You are unsubscribed' }).waitFor()
    await see('unsubscribed')
    expect(await recipients.left(address)).toEqual([groups.news])

    await button(page, 'Undo').click()
    await page.getByText('Undone: you are subscribed again.').waitFor()
    await see('undone')
    expect(await recipients.left(address)).toEqual([])

    await page.goto(`${door.url}/u/${unsubscribe}`)
    await button(page, 'Unsubscribe').click()
    await page.goto(`${door.url}/p/${preferences}`)
    const news = page.getByRole('checkbox', { name: 'Weekly news' })
    const offers = page.getByRole('checkbox', { name: 'Offers' })
    expect([await news.isChecked(), await offers.isChecked()]).toEqual([false, true])
    await see('preferences')
    await news.check()
    await offers.uncheck()
    await button(page, 'Save').click()
    await page.getByText('Your choice is saved.').waitFor()
    await see('saved')
    expect([await news.isChecked(), await offers.isChecked()]).toEqual([true, false])
    expect(await recipients.left(address)).toEqual([groups.offers])

    await button(page, 'Unsubscribe from all mail').click()
    await page.getByRole('link', { name: 'Choose which mail you get' }).click()
    await see('everything-left')
    expect(await recipients.left(address)).toEqual([0, groups.offers])
    await button(page, 'Subscribe again').click()
    expect(await recipients.left(address)).toEqual([groups.offers])
    expectNothingForeign(visitor)
  })

  test('the state beside a box follows it before anything is saved', async () => {
    const { page } = await visit()
    const { preferences } = await add()
    await page.goto(`${door.url}/p/${preferences}`)
    const row = page.locator('.group', { hasText: 'Offers' })
    const state = async () => (await row.locator('.state:visible').allInnerTexts()).join()
    expect(await state()).toBe('Subscribed')
    // The whole row is the target, not the box alone.
    await row.click({ position: { x: 300, y: 30 } })
    expect(await state()).toBe('Unsubscribed')
  })

  test('a deleted group', async () => {
    const { page, see } = await visit()
    const { address, unsubscribe, preferences } = await add(groups.gone)
    await page.goto(`${door.url}/p/${preferences}`)
    await page.getByText('This list no longer exists.').waitFor()
    expect(await page.getByRole('checkbox').count()).toBe(2)
    await page.goto(`${door.url}/u/${unsubscribe}`)
    await page.getByText('no longer exists').waitFor()
    await see('deleted-group')
    await button(page, 'Unsubscribe').click()
    await page.getByText('will get no more mail from').waitFor()
    expect(await recipients.left(address)).toEqual([0])
  })

  test('a link that is not valid', async () => {
    const { page, see } = await visit()
    const { unsubscribe } = await add()
    const reply = await page.goto(`${door.url}/u/${unsubscribe.slice(0, -4)}`)
    expect(reply?.status()).toBe(404)
    await page.getByRole('heading', { name: 'This link is not valid' }).waitFor()
    await see('bad-link')
  })

  test('with the keyboard alone, and it can be seen where one is', async () => {
    const { page, see } = await visit()
    const { address, preferences, unsubscribe } = await add()
    const focused = () =>
      page.evaluate<string[]>(`{
        const element = document.activeElement
        const { outlineStyle, outlineWidth } = getComputedStyle(element)
        const label = element.labels?.[0] ?? element
        ;[label.textContent.trim(), outlineStyle, outlineWidth]
      }`)
    await page.goto(`${door.url}/u/${unsubscribe}`)
    await page.keyboard.press('Tab')
    expect(await focused()).toEqual(['Unsubscribe', 'solid', '3px'])
    await see('keyboard-focus')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'You are unsubscribed' }).waitFor()
    await page.keyboard.press('Tab')
    expect(await focused()).toEqual(['Undo', 'solid', '3px'])

    await page.goto(`${door.url}/p/${preferences}`)
    for (const [key, label] of [
      ['Tab', 'Weekly news'],
      ['Tab', 'Offers'],
    ] as const) {
      await page.keyboard.press(key)
      expect(await focused()).toEqual([label, 'solid', '3px'])
      await page.keyboard.press('Space')
    }
    await page.keyboard.press('Tab')
    expect(await focused()).toEqual(['Save', 'solid', '3px'])
    await page.keyboard.press('Enter')
    await page.getByText('Your choice is saved.').waitFor()
    expect(await recipients.left(address)).toEqual([groups.offers])
  })

  test('right to left', async () => {
    const { page, see } = await visit({ locale: 'ar-EG' })
    const { preferences } = await add()
    await page.goto(`${door.url}/p/${preferences}`)
    expect(await page.locator('html').getAttribute('dir')).toBe('rtl')
    const box = await page.getByRole('checkbox').first().boundingBox()
    const name = await page.getByText('Weekly news', { exact: true }).boundingBox()
    expect(box?.x).toBeGreaterThan((name?.x ?? 0) + (name?.width ?? 0))
    await see('right-to-left')
  })

  test('another language is two clicks away, and stays', async () => {
    const { page } = await visit({ javaScriptEnabled: false })
    const { unsubscribe } = await add()
    await page.goto(`${door.url}/u/${unsubscribe}`)
    await page.getByText('Language: English').click()
    await page.getByRole('link', { name: 'Deutsch' }).click()
    await button(page, 'Abbestellen').click()
    await button(page, 'Rückgängig machen').click()
    await page.getByText('Sie sind wieder angemeldet').waitFor()
  })

  test.each([
    ['a small phone', { width: 320, height: 568 }],
    ['a phone', { width: 390, height: 844 }],
    ['a desktop', { width: 1280, height: 800 }],
  ])('on %s nothing is cut off and everything can be hit', async (name, viewport) => {
    const { page, see } = await visit({ viewport, locale: 'pl-PL' })
    const { preferences, unsubscribe } = await add()
    for (const path of [`/u/${unsubscribe}`, `/p/${preferences}`]) {
      await page.goto(door.url + path)
      const width = await page.evaluate('document.documentElement.scrollWidth')
      expect(width).toBeLessThanOrEqual(viewport.width)
      for (const target of await page.locator('button, .links a, .group, summary').all()) {
        expect((await target.boundingBox())?.height).toBeGreaterThanOrEqual(44)
      }
      await see(`${name.replaceAll(' ', '-')}-${path.slice(1, 2)}`)
    }
  })

  test.each([
    ['light', { colorScheme: 'light', locale: 'en-GB' }],
    ['dark', { colorScheme: 'dark', locale: 'en-GB' }],
    ['right-to-left', { colorScheme: 'light', locale: 'ar' }],
  ] as const)('axe finds nothing on any page: %s', async (mode, options) => {
    const visitor = await visit(options)
    const { page, see } = visitor
    const check = async (name: string): Promise<void> => {
      await see(`axe-${mode}-${name}`)
      await expectAccessible(page, name)
    }
    const click = async (action: string): Promise<void> => {
      await page.locator(`button[value="${action}"]`).click()
      await page.waitForLoadState()
    }
    const { unsubscribe, preferences } = await add()
    await page.goto(`${door.url}/u/${unsubscribe}`)
    const background = await backgroundOf(page, 'body')
    expect(background).toBe(mode === 'dark' ? 'rgb(20, 23, 27)' : 'rgb(243, 244, 246)')
    await check('question')
    await click('yes')
    await check('unsubscribed')
    await click('undo')
    await check('undone')
    await click('unsubscribe_all')
    await page.goto(`${door.url}/p/${preferences}`)
    await check('everything-left')
    await page.goto(`${door.url}/p/garbage`)
    await check('bad-link')
    expectNothingForeign(visitor)
  })

  test('the logo of a sender is shown, and can be seen in the dark', async () => {
    const visitor = await visit({ colorScheme: 'dark' })
    const { page, see } = visitor
    const other = await door.addTenant()
    const logo = { type: 'image/png' as const, image: blackPixel }
    await changeRecipientPage(door.sql, other.tenantId, { logo, senderName: 'Acme' }, new Date())
    const { unsubscribe } = await recipients.add(other)
    await page.goto(`${door.url}/u/${unsubscribe}`)
    const image = page.getByRole('img', { name: 'Acme' })
    expect(await image.getAttribute('src')).toMatch(/^\.\.\/p\/logo\//)
    expect(await page.evaluate('document.images[0].naturalWidth')).toBe(1)
    expect(await backgroundOf(page, 'img')).toBe('rgb(255, 255, 255)')
    await see('logo-in-the-dark')
    expectNothingForeign(visitor)
  })
})

const blackPixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'base64',
)
