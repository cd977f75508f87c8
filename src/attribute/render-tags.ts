import type { RecipientLinks } from './recipient-links.ts'

/** The bodies of a mail; `null`: it has none of this kind. */
export type MailContent = { html: string | null; text: string | null }

/** What senders write where the bare address of the unsubscribe page is to stand. */
const defaultSubstitutionTag = '[unsubscribe]'

/** Also as HTML editors rewrite them: `&lt;%…%&gt;` in texts, `%3C%25…%25%3E` in addresses. */
const groupTags =
  /(?:<%|&lt;%|%3C%25)\s*asm_(group_unsubscribe|global_unsubscribe|preferences)_(raw_)?url\s*(?:%>|%&gt;|%25%3E)/gi

/** `<% link text %>`; a template language writes `<%=` or leaves no space. */
const linkTextTags = /<%\s([^%]{0,200})%>/g

const linkTexts = {
  group_unsubscribe: 'Unsubscribe From This List',
  global_unsubscribe: 'Unsubscribe From All Emails',
  preferences: 'Manage Email Preferences',
} as const

type Target = keyof typeof linkTexts

/**
 * Puts the links of one recipient into the bodies of a mail, in place of the tags that senders know
 * from SendGrid. `substitutionTag` stands for `[unsubscribe]` and switches `<% link text %>` off;
 * `null`: it is not used. Tags of a group stay where the mail has none.
 */
export function renderTags(
  { html, text }: MailContent,
  links: RecipientLinks,
  substitutionTag: string | null,
): MailContent {
  return {
    html: html && replaceTags(html, links, substitutionTag, anchor),
    text: text && replaceTags(text, links, substitutionTag, textLink),
  }
}

/** Whether a mail cannot be rendered without a group. */
export function hasGroupTags({ html, text }: MailContent): boolean {
  const found = `${html ?? ''}\n${text ?? ''}`.matchAll(groupTags)
  return [...found].some(([, target]) => targetOf(target) === 'group_unsubscribe')
}

/** How a link with these words looks; no words: with its own address. */
type LinkTo = (url: string, words: string) => string

function replaceTags(
  content: string,
  links: RecipientLinks,
  substitutionTag: string | null,
  linkTo: LinkTo,
): string {
  const { globalUnsubscribeUrl: globalUrl } = links
  const substituted = content.replaceAll(substitutionTag ?? defaultSubstitutionTag, () => globalUrl)
  const grouped = substituted.replace(
    groupTags,
    (tag, name: string, raw: string | undefined, at: number) => {
      const target = targetOf(name)
      const url = urlOf(links, target)
      if (url === null) return tag
      const isBare = raw !== undefined || isInAddress(substituted, tag, at)
      return isBare ? url : linkTo(url, linkTexts[target])
    },
  )
  if (substitutionTag !== null) return grouped
  return grouped.replace(linkTextTags, (_tag, words: string) => linkTo(globalUrl, words.trim()))
}

function targetOf(name: string | undefined): Target {
  const lower = name?.toLowerCase()
  return lower === 'group_unsubscribe' || lower === 'global_unsubscribe' ? lower : 'preferences'
}

function urlOf(links: RecipientLinks, target: Target): string | null {
  switch (target) {
    case 'group_unsubscribe':
      return links.groupUnsubscribeUrl
    case 'global_unsubscribe':
      return links.globalUnsubscribeUrl
    case 'preferences':
      return links.preferencesUrl
  }
}

/** Where a link would stand in the `href` of another one, only its address may. */
function isInAddress(html: string, tag: string, at: number): boolean {
  return tag.startsWith('%3') || /=\s*["']?$/.test(html.slice(Math.max(0, at - 4), at))
}

function anchor(url: string, words: string): string {
  return `<a href="${url}">${words === '' ? url : words}</a>`
}

function textLink(url: string, words: string): string {
  return words === '' ? url : `${words}: ${url}`
}
