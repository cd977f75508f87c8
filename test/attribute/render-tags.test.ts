import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderTags } from '../../src/attribute/render-tags.ts'

const links = {
  groupUnsubscribeUrl: 'https://fb.example/u/group',
  globalUnsubscribeUrl: 'https://fb.example/u/all',
  preferencesUrl: 'https://fb.example/p/choose',
}
const inHtml = (html: string, tag: string | null = null) =>
  renderTags({ html, text: null }, links, tag).html
const inText = (text: string, tag: string | null = null) =>
  renderTags({ html: null, text }, links, tag).text

describe('the tags of groups', () => {
  test.each([
    ['<%asm_group_unsubscribe_url%>', 'u/group', 'Unsubscribe From This List'],
    ['<%asm_global_unsubscribe_url%>', 'u/all', 'Unsubscribe From All Emails'],
    ['<%asm_preferences_url%>', 'p/choose', 'Manage Email Preferences'],
  ])('%s is a link with words of its own', (tag, path, words) => {
    const url = `https://fb.example/${path}`
    expect(inHtml(`<p>${tag}</p>`)).toBe(`<p><a href="${url}">${words}</a></p>`)
    expect(inText(`(${tag})`)).toBe(`(${words}: ${url})`)
  })

  test.each([
    ['<%asm_group_unsubscribe_raw_url%>', 'u/group'],
    ['<%asm_global_unsubscribe_raw_url%>', 'u/all'],
    ['<%asm_preferences_raw_url%>', 'p/choose'],
  ])('%s is the address alone', (tag, path) => {
    const url = `https://fb.example/${path}`
    expect(inHtml(`<a href="${tag}">x</a>${tag}`)).toBe(`<a href="${url}">x</a>${url}`)
    expect(inText(tag + tag)).toBe(url + url)
  })

  test.each([
    ['upper case', '<%ASM_GROUP_UNSUBSCRIBE_RAW_URL%>'],
    ['spaces', '<% asm_group_unsubscribe_raw_url %>'],
    ['HTML', '&lt;%asm_group_unsubscribe_raw_url%&gt;'],
    ['an address', '%3C%25asm_group_unsubscribe_raw_url%25%3E'],
    ['an address, and it was not meant to be raw', '%3C%25asm_group_unsubscribe_url%25%3E'],
  ])('also as editors write them: %s', (_name, tag) => {
    expect(inHtml(tag)).toBe(links.groupUnsubscribeUrl)
  })

  test('inside the address of a link only an address can stand', () => {
    for (const quote of ['"', "'", '']) {
      const html = `<a href=${quote}<%asm_group_unsubscribe_url%>${quote}>out</a>`
      expect(inHtml(html)).toBe(`<a href=${quote}${links.groupUnsubscribeUrl}${quote}>out</a>`)
    }
  })

  test('of a group stay where the mail has none; the others are filled', () => {
    const none = { ...links, groupUnsubscribeUrl: null }
    const html = '<%asm_group_unsubscribe_url%> <%asm_global_unsubscribe_raw_url%>'
    expect(renderTags({ html, text: null }, none, null).html).toBe(
      `<%asm_group_unsubscribe_url%> ${links.globalUnsubscribeUrl}`,
    )
  })
})

describe('subscription tracking', () => {
  test('[unsubscribe] is the address', () => {
    expect(inHtml('<a href="[unsubscribe]">out</a>')).toBe(
      '<a href="https://fb.example/u/all">out</a>',
    )
    expect(inText('Out: [unsubscribe]')).toBe('Out: https://fb.example/u/all')
  })

  test('<% link text %> is a link with these words, <% %> one with its address', () => {
    expect(inHtml('<% click <b>here</b> %>')).toBe(
      '<a href="https://fb.example/u/all">click <b>here</b></a>',
    )
    expect(inHtml('<% %>')).toBe('<a href="https://fb.example/u/all">https://fb.example/u/all</a>')
    expect(inText('<% Leave %> or <% %>')).toBe(
      'Leave: https://fb.example/u/all or https://fb.example/u/all',
    )
  })

  test('a tag of the sender’s own takes the place of both', () => {
    expect(inHtml('{{out}} [unsubscribe] <% here %> $&', '{{out}}')).toBe(
      'https://fb.example/u/all [unsubscribe] <% here %> $&',
    )
    expect(inText('%out% and %out%', '%out%')).toBe(
      'https://fb.example/u/all and https://fb.example/u/all',
    )
  })
})

test('what is no tag of ours stays as it is', () => {
  const content = '<%body%> <%= name %> <%- x %> 100% <%asm_other_url%> <% 100%-off %> {{name}} <%'
  expect(inHtml(content)).toBe(content)
  expect(inText(content)).toBe(content)
  expect(renderTags({ html: null, text: null }, links, null)).toEqual({ html: null, text: null })
})

test('any content is rendered, and one without a percent sign or a bracket stays', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.constantFrom('<%', '%>', '<% ', ' %>', 'asm_group_unsubscribe_url', '[unsubscribe]', '%25'),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 15 }), (parts) => {
      const content = parts.join('')
      const rendered = inHtml(content)
      if (!/[%[]/.test(content)) expect(rendered).toBe(content)
    }),
  )
})

test('a megabyte of open tags is no work', () => {
  const content = '<% '.repeat(300_000)
  expect(inHtml(content)).toBe(content)
})
