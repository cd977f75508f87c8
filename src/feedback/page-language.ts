/** Languages of the recipients' pages (BCP 47). */
export const pageLanguages = ['en', 'de', 'fr', 'es', 'pt', 'it', 'nl', 'pl', 'ja', 'ar'] as const

export type PageLanguage = (typeof pageLanguages)[number]
