import { z } from 'zod'
import { emailAddress } from '../validate.ts'

/** Shapes of the v3 API that several calls share. */

export const total = z.int().min(0).describe('Addresses on all pages')

export const unixTimeOut = z.int().describe('Unix seconds')

/** At most as many as one transaction bears well below the deadline of the database. */
export const newRecipients = z.object({
  recipient_emails: z.array(emailAddress).min(1).max(10_000),
})

export const recipients = z.strictObject({ recipient_emails: z.array(z.string()) })

export const recipientsPage = recipients.extend({ total }).meta({ id: 'RecipientEmails' })
