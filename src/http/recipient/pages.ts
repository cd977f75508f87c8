import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Eta } from 'eta'
import type { Preferences } from '../../suppression/preferences.ts'
import type { PageTexts, RecipientPage } from '../../tenant/recipient-page.ts'
import { accentColors } from './colors.ts'
import { languages } from './languages/choose-language.ts'
import type { Visit } from './visit.ts'

/** A page and the Content-Security-Policy that allows its style and nothing else. */
export type Page = { html: string; policy: string }

/** A visit to a page of a sender who may have set how it looks. */
export type BrandedVisit = Visit & { branding: RecipientPage }

/** Of a failure nobody knows whose page it is. */
type Frame = Pick<Visit, 'language' | 'root'> & { branding: RecipientPage | null }

const templates = join(import.meta.dirname, 'templates')
const eta = new Eta({ views: templates, cache: true })
const css = readFileSync(join(templates, 'page.css'), 'utf8')
const ownColor = '#1d4fc4'

/** Asks before anything is changed. */
export function confirmPage(
  visit: BrandedVisit,
  {
    group,
    isGroupGone,
    notice,
  }: { group: string | null; isGroupGone: boolean; notice: string | null },
): Page {
  const { language } = visit
  const [address, sender] = [isolated(visit.maskedAddress), senderOf(visit)]
  return render('confirm', visit, language.unsubscribe, {
    notice,
    preferencesUrl: visit.preferencesUrl,
    isGroup: group !== null,
    isGroupGone,
    introduction: textOf(visit, 'introduction'),
    question: group === null ? language.askAll(sender) : language.askGroup(isolated(group)),
    consequence:
      group === null
        ? language.willStopAll(address, sender)
        : language.willStopGroup(address, sender),
    languages: notice === null ? languages : [],
  })
}

/** Confirms; `clickId` is what can be undone. */
export function unsubscribedPage(
  visit: BrandedVisit,
  {
    group,
    clickId,
    notice,
  }: { group: string | null; clickId: string | null; notice: string | null },
): Page {
  const { language } = visit
  const [address, sender] = [isolated(visit.maskedAddress), senderOf(visit)]
  const url = visit.branding.landingUrl
  return render('unsubscribed', visit, language.unsubscribed, {
    notice,
    preferencesUrl: visit.preferencesUrl,
    // Where there is no page of preferences, the way out of the rest has to be here.
    asksForRest: group !== null && visit.preferencesUrl === null,
    clickId,
    farewell: textOf(visit, 'farewell'),
    consequence:
      group === null
        ? language.stoppedAll(address, sender)
        : language.stoppedGroup(address, isolated(group), sender),
    landing: url && { url, text: language.continueTo(isolated(new URL(url).host)) },
    languages: [],
  })
}

/** Where the recipient stands, and the forms to change it. */
export function preferencesPage(
  visit: BrandedVisit,
  { groups, hasLeftEverything }: Preferences,
  notice: string | null,
): Page {
  const { language } = visit
  const [address, sender] = [isolated(visit.maskedAddress), senderOf(visit)]
  return render('preferences', visit, language.preferences, {
    notice,
    groups,
    hasLeftEverything,
    canSave: !hasLeftEverything && groups.some(({ isDeleted }) => !isDeleted),
    introduction: textOf(visit, 'introduction'),
    about: language.preferencesOf(address, sender),
    noMail: language.noMail(sender),
    everythingHint: language.everythingHint(sender),
    languages: notice === null ? languages : [],
  })
}

/** One text for each status, whatever was wrong. */
export function failurePage(
  place: Pick<Visit, 'language' | 'root'>,
  statusCode: 400 | 404 | 429 | 503,
): Page {
  const { language } = place
  const [title, hint] = {
    400: [language.notUnderstood, language.notUnderstoodHint] as const,
    404: [language.linkInvalid, language.linkInvalidHint] as const,
    429: [language.tryAgain, language.tryAgainHint] as const,
    503: [language.tryAgain, language.tryAgainHint] as const,
  }[statusCode]
  return render('failure', { ...place, branding: null }, title, { hint, languages: [] })
}

function render(template: string, frame: Frame, title: string, view: object): Page {
  const { language, branding, root } = frame
  const style = css + colorsOf(branding?.color ?? ownColor)
  const senderName = branding?.senderName ?? null
  const html = eta.render(template, {
    language,
    title: senderName === null ? title : `${title} · ${isolated(senderName)}`,
    style,
    senderName,
    monogram: [...(senderName ?? '')][0]?.toUpperCase(),
    logoUrl: branding?.logo ? `${root}p/logo/${branding.logo.id}` : null,
    footer: textOf(frame, 'footer'),
    ...view,
  })
  const hash = createHash('sha256').update(style).digest('base64')
  const policy = `default-src 'none';style-src 'sha256-${hash}';img-src 'self';form-action 'self';frame-ancestors 'none';base-uri 'none'`
  return { html, policy }
}

function colorsOf(color: string): string {
  const { button, buttonText, onLight, onDark } = accentColors(color)
  return `:root{--button:${button};--button-text:${buttonText};--on-light:${onLight};--on-dark:${onDark}}`
}

function senderOf({ language, branding }: BrandedVisit): string {
  return branding.senderName === null ? language.thisSender : isolated(branding.senderName)
}

function textOf({ language, branding }: Frame, part: keyof PageTexts): string | null {
  const texts = branding?.texts
  return texts?.[language.code]?.[part] ?? texts?.default?.[part] ?? null
}

/** A name may be written in the other direction than the sentence around it (Unicode TR 9). */
function isolated(text: string): string {
  return `\u2068${text}\u2069`
}
