import type { Language } from './language.ts'

export const german: Language = {
  code: 'de',
  name: 'Deutsch',
  direction: 'ltr',
  language: 'Sprache',
  thisSender: 'diesem Absender',
  continueTo: (host) => `Weiter zu ${host}`,

  unsubscribe: 'Abbestellen',
  askAll: (sender) => `Alle E-Mails von ${sender} abbestellen?`,
  askGroup: (group) => `„${group}“ abbestellen?`,
  willStopAll: (address, sender) => `${address} erhält dann keine E-Mails mehr von ${sender}.`,
  willStopGroup: (address, sender) =>
    `${address} erhält dann keine E-Mails dieser Art mehr von ${sender}. Andere E-Mails kommen weiterhin an.`,
  groupGone: 'Die Liste, zu der diese E-Mail gehörte, gibt es nicht mehr.',
  unsubscribeFromAll: 'Alle E-Mails abbestellen',
  choose: 'Auswählen, welche E-Mails Sie erhalten',

  unsubscribed: 'Sie sind abgemeldet',
  stoppedAll: (address, sender) => `${address} erhält keine E-Mails mehr von ${sender}.`,
  stoppedGroup: (address, group, sender) =>
    `${address} erhält „${group}“ von ${sender} nicht mehr.`,
  onItsWay: 'Eine E-Mail, die schon unterwegs ist, kann noch ankommen.',
  mistake: 'War das ein Versehen?',
  undo: 'Rückgängig machen',

  preferences: 'Ihre E-Mail-Einstellungen',
  preferencesOf: (address, sender) => `Wählen Sie aus, was ${address} von ${sender} erhält.`,
  groups: 'Arten von E-Mails',
  subscribed: 'Abonniert',
  left: 'Abbestellt',
  deleted: 'Gelöscht',
  deletedHint: 'Diese Liste gibt es nicht mehr.',
  save: 'Speichern',
  saved: 'Ihre Auswahl ist gespeichert.',
  undone: 'Rückgängig gemacht: Sie sind wieder angemeldet.',
  unchanged: 'Es musste nichts geändert werden.',
  everything: 'Alle E-Mails',
  everythingHint: (sender) => `Überhaupt keine E-Mails von ${sender} erhalten.`,
  noMail: (sender) => `Sie erhalten keine E-Mails von ${sender}.`,
  choicesKept: 'Ihre Auswahl unten gilt wieder, sobald Sie sich anmelden.',
  subscribeAgain: 'Wieder anmelden',

  notUnderstood: 'Es wurde nichts geändert',
  notUnderstoodHint:
    'Diese Anfrage wurde nicht verstanden. Bitte gehen Sie zurück und versuchen Sie es noch einmal.',
  linkInvalid: 'Dieser Link ist nicht gültig',
  linkInvalidHint:
    'Bitte kopieren Sie den ganzen Link aus der E-Mail, oder verwenden Sie den einer neueren E-Mail.',
  tryAgain: 'Bitte versuchen Sie es in einer Minute noch einmal',
  tryAgainHint: 'Es wurde noch nichts geändert.',
}
