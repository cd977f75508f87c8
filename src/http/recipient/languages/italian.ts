import type { Language } from './language.ts'

export const italian: Language = {
  code: 'it',
  name: 'Italiano',
  direction: 'ltr',
  language: 'Lingua',
  thisSender: 'questo mittente',
  continueTo: (host) => `Continua su ${host}`,

  unsubscribe: 'Annulla l’iscrizione',
  askAll: (sender) => `Annullare l’iscrizione a tutte le e-mail inviate da ${sender}?`,
  askGroup: (group) => `Annullare l’iscrizione a “${group}”?`,
  willStopAll: (address, sender) => `${address} non riceverà più e-mail da ${sender}.`,
  willStopGroup: (address, sender) =>
    `${address} non riceverà più e-mail di questo tipo da ${sender}. Le altre continueranno ad arrivare.`,
  groupGone: 'La lista a cui apparteneva questa e-mail non esiste più.',
  unsubscribeFromAll: 'Annulla l’iscrizione a tutte le e-mail',
  choose: 'Scegli quali e-mail ricevere',

  unsubscribed: 'Iscrizione annullata',
  stoppedAll: (address, sender) => `${address} non riceverà più e-mail da ${sender}.`,
  stoppedGroup: (address, group, sender) => `${address} non riceverà più “${group}” da ${sender}.`,
  onItsWay: 'Un’e-mail già in viaggio potrebbe ancora arrivare.',
  mistake: 'È stato un errore?',
  undo: 'Ripristina l’iscrizione',

  preferences: 'Preferenze e-mail',
  preferencesOf: (address, sender) => `Scegli quali e-mail di ${sender} arrivano a ${address}.`,
  groups: 'Tipi di e-mail',
  subscribed: 'Iscrizione attiva',
  left: 'Iscrizione annullata',
  deleted: 'Eliminata',
  deletedHint: 'Questa lista non esiste più.',
  save: 'Salva',
  saved: 'La scelta è stata salvata.',
  undone: 'Fatto: l’iscrizione è di nuovo attiva.',
  unchanged: 'Non c’era nulla da modificare.',
  everything: 'Tutte le e-mail',
  everythingHint: (sender) => `Non ricevere nessuna e-mail da ${sender}.`,
  noMail: (sender) => `Non ricevi nessuna e-mail da ${sender}.`,
  choicesKept: 'Le scelte qui sotto torneranno valide quando ti iscriverai di nuovo.',
  subscribeAgain: 'Iscriviti di nuovo',

  notUnderstood: 'Non è stato modificato nulla',
  notUnderstoodHint: 'La richiesta non è stata compresa. Torna indietro e riprova.',
  linkInvalid: 'Questo link non è valido',
  linkInvalidHint:
    'Copia il link per intero dall’e-mail, oppure usa quello di un’e-mail più recente.',
  tryAgain: 'Riprova tra un minuto',
  tryAgainHint: 'Non è stato ancora modificato nulla.',
}
