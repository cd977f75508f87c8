import type { Language } from './language.ts'

export const french: Language = {
  code: 'fr',
  name: 'Français',
  direction: 'ltr',
  language: 'Langue',
  thisSender: 'cet expéditeur',
  continueTo: (host) => `Continuer vers ${host}`,

  unsubscribe: 'Se désabonner',
  askAll: (sender) => `Se désabonner de tous les e-mails envoyés par ${sender}\u202f?`,
  askGroup: (group) => `Se désabonner de «\u00a0${group}\u00a0»\u202f?`,
  willStopAll: (address, sender) => `${address} ne recevra plus aucun e-mail envoyé par ${sender}.`,
  willStopGroup: (address, sender) =>
    `${address} ne recevra plus ce type d’e-mails envoyés par ${sender}. Les autres continueront d’arriver.`,
  groupGone: 'La liste à laquelle appartenait cet e-mail n’existe plus.',
  unsubscribeFromAll: 'Se désabonner de tous les e-mails',
  choose: 'Choisir les e-mails à recevoir',

  unsubscribed: 'Désabonnement effectué',
  stoppedAll: (address, sender) => `${address} ne recevra plus aucun e-mail envoyé par ${sender}.`,
  stoppedGroup: (address, group, sender) =>
    `${address} ne recevra plus les e-mails «\u00a0${group}\u00a0» envoyés par ${sender}.`,
  onItsWay: 'Un e-mail déjà en route peut encore arriver.',
  mistake: 'C’était une erreur\u202f?',
  undo: 'Annuler',

  preferences: 'Vos préférences e-mail',
  preferencesOf: (address, sender) => `Choisissez ce que ${sender} envoie à ${address}.`,
  groups: 'Types d’e-mails',
  subscribed: 'Abonnement actif',
  left: 'Abonnement arrêté',
  deleted: 'Supprimée',
  deletedHint: 'Cette liste n’existe plus.',
  save: 'Enregistrer',
  saved: 'Votre choix est enregistré.',
  undone: 'C’est annulé\u00a0: l’abonnement est rétabli.',
  unchanged: 'Aucun changement n’était nécessaire.',
  everything: 'Tous les e-mails',
  everythingHint: (sender) => `Ne plus recevoir aucun e-mail envoyé par ${sender}.`,
  noMail: (sender) => `Vous ne recevez aucun e-mail envoyé par ${sender}.`,
  choicesKept: 'Vos choix ci-dessous s’appliqueront de nouveau après le réabonnement.',
  subscribeAgain: 'Se réabonner',

  notUnderstood: 'Rien n’a été modifié',
  notUnderstoodHint: 'Cette demande n’a pas été comprise. Revenez en arrière et réessayez.',
  linkInvalid: 'Ce lien n’est pas valable',
  linkInvalidHint:
    'Copiez le lien en entier depuis l’e-mail, ou utilisez celui d’un e-mail plus récent.',
  tryAgain: 'Veuillez réessayer dans une minute',
  tryAgainHint: 'Rien n’a encore été modifié.',
}
