import type { Language } from './language.ts'

export const arabic: Language = {
  code: 'ar',
  name: 'العربية',
  direction: 'rtl',
  language: 'اللغة',
  thisSender: 'هذا المرسل',
  continueTo: (host) => `المتابعة إلى ${host}`,

  unsubscribe: 'إلغاء الاشتراك',
  askAll: (sender) => `هل تريد إلغاء الاشتراك في جميع الرسائل من ${sender}؟`,
  askGroup: (group) => `هل تريد إلغاء الاشتراك في «${group}»؟`,
  willStopAll: (address, sender) => `لن تصل بعد الآن أي رسائل من ${sender} إلى ${address}.`,
  willStopGroup: (address, sender) =>
    `لن تصل بعد الآن رسائل من هذا النوع من ${sender} إلى ${address}. ستستمر الرسائل الأخرى في الوصول.`,
  groupGone: 'القائمة التي أُرسلت إليها هذه الرسالة لم تعد موجودة.',
  unsubscribeFromAll: 'إلغاء الاشتراك في جميع الرسائل',
  choose: 'اختيار الرسائل التي تصلك',

  unsubscribed: 'تم إلغاء الاشتراك',
  stoppedAll: (address, sender) => `لن تصل بعد الآن أي رسائل من ${sender} إلى ${address}.`,
  stoppedGroup: (address, group, sender) =>
    `لن تصل بعد الآن رسائل «${group}» من ${sender} إلى ${address}.`,
  onItsWay: 'قد تصل رسالة كانت في طريقها إليك بالفعل.',
  mistake: 'هل حدث ذلك عن طريق الخطأ؟',
  undo: 'تراجع',

  preferences: 'تفضيلات البريد الإلكتروني',
  preferencesOf: (address, sender) => `اختر الرسائل التي تصل من ${sender} إلى ${address}.`,
  groups: 'أنواع الرسائل',
  subscribed: 'الاشتراك مفعّل',
  left: 'الاشتراك ملغى',
  deleted: 'محذوفة',
  deletedHint: 'لم تعد هذه القائمة موجودة.',
  save: 'حفظ',
  saved: 'تم حفظ اختيارك.',
  undone: 'تم التراجع، وعاد الاشتراك كما كان.',
  unchanged: 'لم يكن هناك ما يلزم تغييره.',
  everything: 'جميع الرسائل',
  everythingHint: (sender) => `عدم تلقي أي رسائل من ${sender}.`,
  noMail: (sender) => `لا تصلك أي رسائل من ${sender}.`,
  choicesKept: 'ستسري اختياراتك أدناه مجددًا عند إعادة الاشتراك.',
  subscribeAgain: 'إعادة الاشتراك',

  notUnderstood: 'لم يتغير شيء',
  notUnderstoodHint: 'تعذّر فهم هذا الطلب. يُرجى الرجوع والمحاولة مرة أخرى.',
  linkInvalid: 'هذا الرابط غير صالح',
  linkInvalidHint: 'يُرجى نسخ الرابط كاملًا من الرسالة، أو استخدام رابط من رسالة أحدث.',
  tryAgain: 'يُرجى المحاولة مرة أخرى بعد دقيقة',
  tryAgainHint: 'لم يتغير شيء بعد.',
}
