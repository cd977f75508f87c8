import type { Request } from 'express'
import type { SealedPurpose, SealedToken } from '../../attribute/sealed-token.ts'
import { chooseLanguage } from './languages/choose-language.ts'
import type { Language } from './languages/language.ts'
import type { OpenToken } from './open-token.ts'

/** Somebody followed a link of ours: whom it is about, and how to answer. */
export type Visit = {
  token: SealedToken
  maskedAddress: string
  language: Language
  /** From the address of the page to the root of the door, such as `../`. */
  root: string
  /** The page of preferences, seen from this one; `null`: the link is not good enough for it. */
  preferencesUrl: string | null
}

/** `null` when the link is not genuine, or opens another door. Throws a RateLimitError. */
export async function readVisit(
  openToken: OpenToken,
  request: Request,
  purposes: readonly SealedPurpose[],
): Promise<Visit | null> {
  const text = request.params['token']
  if (typeof text !== 'string') return null
  const opened = await openToken(text, request.ip ?? '')
  if (opened === null || !purposes.includes(opened.token.purpose)) return null
  const root = rootOf(request)
  const language = languageOf(request)
  const asked = askedLanguage(request) === null ? '' : `?lang=${language.code}`
  return {
    token: opened.token,
    maskedAddress: opened.maskedAddress,
    language,
    root,
    preferencesUrl: opened.token.purpose === 'preferences' ? `${root}p/${text}${asked}` : null,
  }
}

export function languageOf(request: Request): Language {
  return chooseLanguage(askedLanguage(request), request.get('accept-language') ?? null)
}

/** Relative, so that a proxy may put the door below a path of its own. */
export function rootOf({ originalUrl }: Request): string {
  const [path = ''] = originalUrl.split('?', 1)
  return '../'.repeat(path.split('/').length - 2)
}

function askedLanguage(request: Request): string | null {
  const { lang } = request.query
  return typeof lang === 'string' ? lang : null
}
