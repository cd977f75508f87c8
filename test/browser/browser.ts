import { existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'

const executablePath = '/usr/bin/chromium'

/** The tests of this folder need the browser of the machine; they do not bring one. */
export const hasBrowser = existsSync(executablePath)

/** To be looked at; outside the repository. */
const screenshots = join(tmpdir(), 'hearback-screenshots')

const phone = { width: 390, height: 844 }

export type Visitor = {
  page: Page
  /** Takes a picture of the whole page. */
  see: (name: string) => Promise<void>
  /** Everything that the browser asked for. */
  requests: string[]
  /** What it refused to do because the policy of the page forbids it. */
  refused: string[]
}

/** One browser for a test file; each visitor has a phone of their own. */
export function useBrowser(): (options?: BrowserContextOptions) => Promise<Visitor> {
  let browser: Browser
  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true })
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  })
  afterAll(() => browser.close())

  return async (options = {}) => {
    const context = await browser.newContext({ viewport: phone, locale: 'en-GB', ...options })
    const page = await context.newPage()
    const requests: string[] = []
    const refused: string[] = []
    page.on('request', (request) => requests.push(request.url()))
    page.on('console', (message) => {
      if (/content security policy|refused to/i.test(message.text())) refused.push(message.text())
    })
    const see = async (name: string): Promise<void> => {
      await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true })
    }
    return { page, see, requests, refused }
  }
}

/** What axe finds of WCAG 2.2 level AA and of its best practices: nothing, it is hoped. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()')
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`)
  expect(found, name).toEqual([])
}
