import type { PageLanguage } from '../../../feedback/page-language.ts'

/**
 * The words of the pages in one language. What is put in (addresses, names of senders and groups) is
 * plain text; `sender` may be `thisSender`, so it stands in one grammatical case throughout.
 */
export type Language = {
  /** BCP 47: what stands in Accept-Language, `lang=` and `?lang=`. */
  code: PageLanguage
  /** In the language itself. */
  name: string
  direction: 'ltr' | 'rtl'
  language: string
  /** For a sender who has told no name. */
  thisSender: string
  continueTo: (host: string) => string

  unsubscribe: string
  askAll: (sender: string) => string
  askGroup: (group: string) => string
  willStopAll: (address: string, sender: string) => string
  willStopGroup: (address: string, sender: string) => string
  groupGone: string
  unsubscribeFromAll: string
  choose: string

  unsubscribed: string
  stoppedAll: (address: string, sender: string) => string
  stoppedGroup: (address: string, group: string, sender: string) => string
  onItsWay: string
  mistake: string
  undo: string

  preferences: string
  preferencesOf: (address: string, sender: string) => string
  groups: string
  subscribed: string
  left: string
  deleted: string
  deletedHint: string
  save: string
  saved: string
  undone: string
  unchanged: string
  everything: string
  everythingHint: (sender: string) => string
  noMail: (sender: string) => string
  choicesKept: string
  subscribeAgain: string

  notUnderstood: string
  notUnderstoodHint: string
  linkInvalid: string
  linkInvalidHint: string
  tryAgain: string
  tryAgainHint: string
}
