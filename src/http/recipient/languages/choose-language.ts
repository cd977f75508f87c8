import type { PageLanguage } from '../../../feedback/page-language.ts'
import { arabic } from './arabic.ts'
import { dutch } from './dutch.ts'
import { english } from './english.ts'
import { french } from './french.ts'
import { german } from './german.ts'
import { italian } from './italian.ts'
import { japanese } from './japanese.ts'
import type { Language } from './language.ts'
import { polish } from './polish.ts'
import { portuguese } from './portuguese.ts'
import { spanish } from './spanish.ts'

const catalogue: Record<PageLanguage, Language> = {
  en: english,
  de: german,
  fr: french,
  es: spanish,
  pt: portuguese,
  it: italian,
  nl: dutch,
  pl: polish,
  ja: japanese,
  ar: arabic,
}

export const languages: readonly Language[] = Object.values(catalogue)

/** Browsers send about five. */
const maxRanges = 50

/**
 * The language that is asked for by name, else the one that the reader likes best of those that we
 * have (RFC 9110 section 12.5.4, RFC 4647 section 3.4).
 */
export function chooseLanguage(asked: string | null, acceptLanguage: string | null): Language {
  const wanted = [asked ?? '', ...preferred(acceptLanguage ?? '')]
  return wanted.map(findLanguage).find((language) => language !== null) ?? english
}

/** Best first. */
function preferred(acceptLanguage: string): string[] {
  return acceptLanguage
    .split(',', maxRanges)
    .map((range) => {
      const [tag = '', ...parameters] = range.split(';').map((part) => part.trim())
      const q = parameters.find((parameter) => /^q=/i.test(parameter))?.slice(2)
      return { tag, quality: q === undefined ? 1 : Number(q) }
    })
    .filter(({ quality }) => quality > 0 && quality <= 1)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag)
}

/** A region (`pt-BR`) is heard as its language; `*` is whatever comes first. */
function findLanguage(tag: string): Language | null {
  if (tag === '*') return english
  const [primary] = tag.toLowerCase().split('-')
  return languages.find(({ code }) => code === primary) ?? null
}
