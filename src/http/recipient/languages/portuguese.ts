import type { Language } from './language.ts'

export const portuguese: Language = {
  code: 'pt',
  name: 'Português',
  direction: 'ltr',
  language: 'Idioma',
  thisSender: 'este remetente',
  continueTo: (host) => `Continuar para ${host}`,

  unsubscribe: 'Cancelar inscrição',
  askAll: (sender) => `Cancelar a inscrição em todos os e-mails enviados por ${sender}?`,
  askGroup: (group) => `Cancelar a inscrição em “${group}”?`,
  willStopAll: (address, sender) => `${address} não receberá mais e-mails enviados por ${sender}.`,
  willStopGroup: (address, sender) =>
    `${address} não receberá mais e-mails deste tipo enviados por ${sender}. Os outros continuarão chegando.`,
  groupGone: 'A lista à qual este e-mail pertencia não existe mais.',
  unsubscribeFromAll: 'Cancelar a inscrição em todos os e-mails',
  choose: 'Escolher quais e-mails receber',

  unsubscribed: 'Inscrição cancelada',
  stoppedAll: (address, sender) => `${address} não receberá mais e-mails enviados por ${sender}.`,
  stoppedGroup: (address, group, sender) =>
    `${address} não receberá mais os e-mails “${group}” enviados por ${sender}.`,
  onItsWay: 'Um e-mail que já está a caminho ainda pode chegar.',
  mistake: 'Foi um engano?',
  undo: 'Desfazer',

  preferences: 'Suas preferências de e-mail',
  preferencesOf: (address, sender) => `Escolha o que ${sender} envia para ${address}.`,
  groups: 'Tipos de e-mail',
  subscribed: 'Inscrição ativa',
  left: 'Inscrição cancelada',
  deleted: 'Excluída',
  deletedHint: 'Esta lista não existe mais.',
  save: 'Salvar',
  saved: 'Sua escolha foi salva.',
  undone: 'Desfeito: a inscrição está ativa novamente.',
  unchanged: 'Não foi preciso mudar nada.',
  everything: 'Todos os e-mails',
  everythingHint: (sender) => `Não receber nenhum e-mail enviado por ${sender}.`,
  noMail: (sender) => `Você não recebe nenhum e-mail enviado por ${sender}.`,
  choicesKept: 'As escolhas abaixo voltarão a valer quando você se inscrever novamente.',
  subscribeAgain: 'Voltar a se inscrever',

  notUnderstood: 'Nada foi alterado',
  notUnderstoodHint: 'Este pedido não foi compreendido. Volte e tente novamente.',
  linkInvalid: 'Este link não é válido',
  linkInvalidHint: 'Copie o link inteiro do e-mail ou use o de um e-mail mais recente.',
  tryAgain: 'Tente novamente em um minuto',
  tryAgainHint: 'Nada foi alterado ainda.',
}
