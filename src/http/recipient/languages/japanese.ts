import type { Language } from './language.ts'

export const japanese: Language = {
  code: 'ja',
  name: '日本語',
  direction: 'ltr',
  language: '言語',
  thisSender: 'この送信者',
  continueTo: (host) => `${host} へ進む`,

  unsubscribe: '配信を停止する',
  askAll: (sender) => `${sender}からのすべてのメールの配信を停止しますか？`,
  askGroup: (group) => `「${group}」の配信を停止しますか？`,
  willStopAll: (address, sender) => `${address} に、${sender}からのメールが届かなくなります。`,
  willStopGroup: (address, sender) =>
    `${address} に、${sender}からのこの種類のメールが届かなくなります。ほかのメールは引き続き届きます。`,
  groupGone: 'このメールの配信リストは、すでに削除されています。',
  unsubscribeFromAll: 'すべてのメールの配信を停止する',
  choose: '受け取るメールを選ぶ',

  unsubscribed: '配信を停止しました',
  stoppedAll: (address, sender) => `${address} に、${sender}からのメールは届かなくなります。`,
  stoppedGroup: (address, group, sender) =>
    `${address} に、${sender}からの「${group}」は届かなくなります。`,
  onItsWay: 'すでに送信されたメールは、行き違いで届くことがあります。',
  mistake: 'お間違いですか？',
  undo: '元に戻す',

  preferences: 'メール配信の設定',
  preferencesOf: (address, sender) => `${sender}から ${address} に届くメールを選んでください。`,
  groups: 'メールの種類',
  subscribed: '配信中',
  left: '停止中',
  deleted: '削除済み',
  deletedHint: 'この配信リストは削除されました。',
  save: '保存する',
  saved: '設定を保存しました。',
  undone: '配信の停止を取り消しました。',
  unchanged: '変更の必要はありませんでした。',
  everything: 'すべてのメール',
  everythingHint: (sender) => `${sender}からのメールをいっさい受け取りません。`,
  noMail: (sender) => `${sender}からのメールはすべて停止中です。`,
  choicesKept: '配信を再開すると、下の設定が再び有効になります。',
  subscribeAgain: '配信を再開する',

  notUnderstood: '何も変更されていません',
  notUnderstoodHint:
    'リクエストを処理できませんでした。前のページに戻って、もう一度お試しください。',
  linkInvalid: 'このリンクは無効です',
  linkInvalidHint:
    'メールに記載されたリンク全体をコピーするか、より新しいメールのリンクをお使いください。',
  tryAgain: '1分ほど待ってから、もう一度お試しください',
  tryAgainHint: 'まだ何も変更されていません。',
}
