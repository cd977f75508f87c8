import { z } from 'zod'
import { pageLanguages } from '../feedback/page-language.ts'
import { type Logo, maxLogoBytes, readLogo } from './logo.ts'

const url = z
  .url({ protocol: /^https$/, error: 'Must be a URL that begins with https://' })
  .max(2_000)
  .refine((text) => !/^https:\/\/[^/]*@/.test(text), 'Must be without a user name')

const pageText = z
  .string()
  .trim()
  .min(1)
  .max(1_000)
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'Invalid characters')
  .optional()

const texts = z.strictObject({ introduction: pageText, farewell: pageText, footer: pageText })

const logo = z.strictObject({ data: z.base64() }).transform(({ data }, context): Logo => {
  const found = readLogo(Buffer.from(data, 'base64'))
  if (found !== null) return found
  context.addIssue({
    code: 'custom',
    message: `Must be a PNG, JPEG or WebP image of at most ${maxLogoBytes} bytes`,
  })
  return z.NEVER
})

/** What may be changed of the pages of recipients, as the API and the command take it. */
export const recipientPageChanges = z
  .strictObject({
    name: z
      .string()
      .trim()
      .min(1)
      .max(100)
      .refine((text) => !/\p{Cc}/u.test(text) && text.isWellFormed(), 'Invalid characters')
      .nullish(),
    color: z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/, 'Must be a colour such as #1d4fc4')
      .toLowerCase()
      .nullish(),
    landing_url: url.nullish(),
    texts: z.partialRecord(z.enum(['default', ...pageLanguages]), texts).nullish(),
    logo: logo.nullish(),
  })
  .transform(({ name, landing_url, texts: ownTexts, ...same }) => ({
    ...same,
    senderName: name,
    landingUrl: landing_url,
    texts: ownTexts === null ? {} : ownTexts,
  }))
