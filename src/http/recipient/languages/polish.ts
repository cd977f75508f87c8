import type { Language } from './language.ts'

export const polish: Language = {
  code: 'pl',
  name: 'Polski',
  direction: 'ltr',
  language: 'Język',
  thisSender: 'tego nadawcy',
  continueTo: (host) => `Przejdź do ${host}`,

  unsubscribe: 'Zrezygnuj',
  askAll: (sender) => `Zrezygnować ze wszystkich wiadomości od ${sender}?`,
  askGroup: (group) => `Zrezygnować z „${group}”?`,
  willStopAll: (address, sender) =>
    `Na adres ${address} nie będą już przychodzić wiadomości od ${sender}.`,
  willStopGroup: (address, sender) =>
    `Na adres ${address} nie będą już przychodzić wiadomości tego rodzaju od ${sender}. Pozostałe będą nadal przychodzić.`,
  groupGone: 'Lista, do której należała ta wiadomość, już nie istnieje.',
  unsubscribeFromAll: 'Zrezygnuj ze wszystkich wiadomości',
  choose: 'Wybierz, które wiadomości chcesz otrzymywać',

  unsubscribed: 'Subskrypcja anulowana',
  stoppedAll: (address, sender) =>
    `Na adres ${address} nie będą już przychodzić wiadomości od ${sender}.`,
  stoppedGroup: (address, group, sender) =>
    `Na adres ${address} nie będą już przychodzić wiadomości „${group}” od ${sender}.`,
  onItsWay: 'Wiadomość, która jest już w drodze, może jeszcze dotrzeć.',
  mistake: 'To pomyłka?',
  undo: 'Cofnij',

  preferences: 'Ustawienia wiadomości e-mail',
  preferencesOf: (address, sender) =>
    `Wybierz, które wiadomości od ${sender} mają przychodzić na adres ${address}.`,
  groups: 'Rodzaje wiadomości',
  subscribed: 'Subskrypcja aktywna',
  left: 'Subskrypcja anulowana',
  deleted: 'Usunięta',
  deletedHint: 'Ta lista już nie istnieje.',
  save: 'Zapisz',
  saved: 'Wybór został zapisany.',
  undone: 'Cofnięto: subskrypcja jest znów aktywna.',
  unchanged: 'Nie trzeba było nic zmieniać.',
  everything: 'Wszystkie wiadomości',
  everythingHint: (sender) => `Nie otrzymuj żadnych wiadomości od ${sender}.`,
  noMail: (sender) => `Nie otrzymujesz żadnych wiadomości od ${sender}.`,
  choicesKept: 'Poniższe ustawienia zaczną znów działać po wznowieniu subskrypcji.',
  subscribeAgain: 'Wznów subskrypcję',

  notUnderstood: 'Niczego nie zmieniono',
  notUnderstoodHint: 'To żądanie nie zostało zrozumiane. Wróć i spróbuj ponownie.',
  linkInvalid: 'Ten link jest nieprawidłowy',
  linkInvalidHint: 'Skopiuj cały link z wiadomości albo użyj linku z nowszej wiadomości.',
  tryAgain: 'Spróbuj ponownie za minutę',
  tryAgainHint: 'Niczego jeszcze nie zmieniono.',
}
