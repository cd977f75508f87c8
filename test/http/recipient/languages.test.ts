import { beforeAll, describe, expect, test } from 'vitest'
import { pageLanguages } from '../../../src/feedback/page-language.ts'
import { chooseLanguage, languages } from '../../../src/http/recipient/languages/choose-language.ts'
import { english } from '../../../src/http/recipient/languages/english.ts'
import { useDoor } from '../door.ts'
import { recipientsOf } from './recipient.ts'

const door = useDoor()
const recipients = recipientsOf(door)

let tenantId: number
let groupId: number
beforeAll(async () => {
  ;({ tenantId } = await door.addTenant())
  groupId = await recipients.addGroup(tenantId, 'Gartenpost')
})

describe('the language of a page', () => {
  test.each([
    [null, null, 'en'],
    [null, '', 'en'],
    [null, 'de', 'de'],
    [null, 'de-AT, en;q=0.5', 'de'],
    [null, 'PT-br', 'pt'],
    [null, 'sv, fi;q=0.9, fr;q=0.5, en;q=0.4', 'fr'],
    [null, 'en;q=0.2, pl;q=0.8, ja ; q=0.5', 'pl'],
    [null, 'fr;q=0, it;q=0.1', 'it'],
    [null, 'nl;q=0.5,ar;q=0.5', 'nl'],
    [null, '*', 'en'],
    [null, 'sv;q=1, *;q=0.5, de;q=0.1', 'en'],
    [null, 'de;q=nonsense, es;q=2, it;q=0.3', 'it'],
    [null, 'zh-Hans-CN, ja-JP;q=0.9', 'ja'],
    [null, ',;,;q=,=', 'en'],
    ['ar', 'de', 'ar'],
    ['es-MX', 'de', 'es'],
    ['klingon', 'de', 'de'],
    ['"><script>', null, 'en'],
  ])('?lang=%s and Accept-Language: %s give %s', (asked, acceptLanguage, code) => {
    expect(chooseLanguage(asked, acceptLanguage).code).toBe(code)
  })

  test('is in the page, which says that it varies', async () => {
    const { unsubscribe } = await recipients.add({ tenantId })
    const reply = await door.call('GET', `/u/${unsubscribe}`, {
      headers: { 'accept-language': 'ar-EG, en;q=0.5' },
    })
    expect(reply.headers.get('vary')).toBe('Accept-Language')
    expect(reply.text).toContain('<html lang="ar" dir="rtl">')
    expect(reply.text).toContain('إلغاء الاشتراك')
  })

  test('is that of the answers too, and of what is wrong', async () => {
    const { text } = await door.call('POST', '/p/garbage?lang=de')
    expect(text).toContain('Dieser Link ist nicht gültig')
  })

  test('that was asked for is kept on every way', async () => {
    const { unsubscribe, preferences } = await recipients.add({ tenantId })
    const done = await recipients.post(`/p/${preferences}?lang=fr`, ['action', 'unsubscribe_all'])
    expect(done.text).toContain('Désabonnement effectué')
    expect(done.text.match(/\/p\/hb1_[\w-]+\?lang=fr"/g)).toHaveLength(1)
    expect(done.text).not.toContain('action=')
    const twice = await door.call('GET', `/u/${unsubscribe}?lang=fr&lang=de`)
    expect(twice.text).toContain('<html lang="en"')
  })
})

describe('the catalogues', () => {
  test('there is one for each language that texts can be set for', () => {
    expect(languages.map(({ code }) => code)).toEqual(pageLanguages)
  })

  test.each(languages.map((language) => [language.name, language] as const))(
    '%s says everything, with all that is to be named, and in its own words',
    (_name, language) => {
      for (const [key, words] of Object.entries(language)) {
        const named = ['«1»', '«2»', '«3»'] as const
        const text: string = typeof words === 'function' ? words(...named) : words
        const count = typeof words === 'function' ? words.length : 0
        for (const name of named.slice(0, count)) expect(text).toContain(name)
        expect(text.trim()).toBe(text)
        expect(text).not.toBe('')
        if (key.endsWith('Hint')) expect(text).toMatch(/[.。]$/)
      }
      const same = Object.entries(language).filter(
        ([key, words]) =>
          typeof words === 'string' &&
          key !== 'direction' &&
          words === english[key as keyof typeof english],
      )
      expect(same).toHaveLength(language === english ? same.length : 0)
    },
  )
})

test('every page comes in every language', async () => {
  for (const { code, unsubscribed, preferences, undo, linkInvalid } of languages) {
    const to = await recipients.add({ tenantId, groupId })
    const page = await door.call('GET', `/u/${to.unsubscribe}?lang=${code}`)
    expect(page.text).toContain(`<html lang="${code}"`)
    expect(page.text).toContain('Gartenpost')
    const done = await recipients.post(`/u/${to.unsubscribe}?lang=${code}`, ['confirm', 'yes'])
    expect(done.text).toContain(unsubscribed)
    expect(done.text).toContain(undo)
    const chosen = await door.call('GET', `/p/${to.preferences}?lang=${code}`)
    expect(chosen.text).toContain(preferences)
    expect((await door.call('GET', `/u/x?lang=${code}`)).text).toContain(linkInvalid)
  }
})
