import type { Language } from './language.ts'

export const english: Language = {
  code: 'en',
  name: 'English',
  direction: 'ltr',
  language: 'Language',
  thisSender: 'this sender',
  continueTo: (host) => `Continue to ${host}`,

  unsubscribe: 'Unsubscribe',
  askAll: (sender) => `Unsubscribe from all mail from ${sender}?`,
  askGroup: (group) => `Unsubscribe from “${group}”?`,
  willStopAll: (address, sender) => `${address} will get no more mail from ${sender}.`,
  willStopGroup: (address, sender) =>
    `${address} will get no more mail of this kind from ${sender}. Other mail keeps coming.`,
  groupGone: 'The list that this mail was sent to no longer exists.',
  unsubscribeFromAll: 'Unsubscribe from all mail',
  choose: 'Choose which mail you get',

  unsubscribed: 'You are unsubscribed',
  stoppedAll: (address, sender) => `${address} will get no more mail from ${sender}.`,
  stoppedGroup: (address, group, sender) =>
    `${address} will no longer get “${group}” from ${sender}.`,
  onItsWay: 'A mail that is already on its way may still arrive.',
  mistake: 'Was this a mistake?',
  undo: 'Undo',

  preferences: 'Your email preferences',
  preferencesOf: (address, sender) => `Choose what ${address} gets from ${sender}.`,
  groups: 'Kinds of mail',
  subscribed: 'Subscribed',
  left: 'Unsubscribed',
  deleted: 'Deleted',
  deletedHint: 'This list no longer exists.',
  save: 'Save',
  saved: 'Your choice is saved.',
  undone: 'Undone: you are subscribed again.',
  unchanged: 'Nothing had to be changed.',
  everything: 'All mail',
  everythingHint: (sender) => `Get no mail from ${sender} at all.`,
  noMail: (sender) => `You get no mail from ${sender}.`,
  choicesKept: 'Your choices below apply again once you subscribe.',
  subscribeAgain: 'Subscribe again',

  notUnderstood: 'Nothing was changed',
  notUnderstoodHint: 'This request was not understood. Please go back and try again.',
  linkInvalid: 'This link is not valid',
  linkInvalidHint: 'Please copy the whole link from the mail, or use the link in a newer mail.',
  tryAgain: 'Please try again in a minute',
  tryAgainHint: 'Nothing was changed yet.',
}
