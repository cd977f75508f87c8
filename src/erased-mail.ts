import type { Decision } from './decide.ts'
import { canonicalAddress } from './feedback/address.ts'
import type { Feedback } from './feedback/feedback.ts'
import type { Report } from './feedback/report.ts'
import { authorsOf } from './parse/author.ts'
import type { Erasure } from './suppression/erased.ts'

/** What may be stored of a message. */
export type Storable = {
  decision: Decision
  /** Somebody whom it names was erased: of the message itself nothing is kept but its envelope. */
  isOfErased: boolean
}

/** `raw`: `null` when its bytes are not kept. */
type Mail = { mailFrom: string; raw: Buffer | null }

/**
 * What of a decision may be stored: feedback about people who were erased stands under the name
 * that stands for them, without the words of the report, and no report that names them is kept.
 */
export async function storable(
  erasure: Erasure,
  tenantId: number,
  decision: Decision,
  mail: Mail,
): Promise<Storable> {
  if (tenantId === 0 || !(await erasure.hasErased(tenantId))) return { decision, isOfErased: false }
  const { outcome, report } = decision
  const feedback = outcome.result === 'recorded' ? outcome.feedback : []
  const recipients = feedback.map(({ attribution }) => attribution.recipient)
  const named = new Set([...recipients, ...namedIn(report, mail)])
  const addresses = [...named]
  const forms = await erasure.storedForms(tenantId, addresses)
  const erased = new Map(
    addresses.flatMap((address, at): [string, string][] => {
      const form = forms[at] ?? address
      return form === address ? [] : [[address, form]]
    }),
  )
  if (erased.size === 0) return { decision, isOfErased: false }
  const kept = feedback.map((one) => anonymous(one, erased.get(one.attribution.recipient)))
  const outcomeKept = outcome.result === 'recorded' ? { ...outcome, feedback: kept } : outcome
  return { decision: { outcome: outcomeKept, report: null }, isOfErased: true }
}

/** The addresses that a message can mean a person by, canonical. */
function namedIn(report: Report | null, { mailFrom, raw }: Mail): string[] {
  const authors = raw === null ? [] : authorsOf(raw)
  const texts = [mailFrom, ...authors, ...(report?.original?.to ?? []), ...recipientsIn(report)]
  return texts.map((text) => (text === null ? null : canonicalAddress(text))).filter(isPresent)
}

function recipientsIn(report: Report | null): (string | null)[] {
  switch (report?.type) {
    case 'delivery-status':
      return report.recipients.flatMap(({ finalRecipient, originalRecipient, actualRecipient }) => [
        finalRecipient,
        originalRecipient,
        actualRecipient,
      ])
    case 'feedback-report':
      return [...report.recipients]
    case 'unsubscribe-request':
      return [report.from]
    case 'automatic-response':
    case 'unrecognized':
    case undefined:
      return []
  }
}

function isPresent(text: string | null): text is string {
  return text !== null
}

function anonymous<One extends Feedback>(feedback: One, form: string | undefined): One {
  if (form === undefined) return feedback
  const attribution = { ...feedback.attribution, recipient: form, messageReference: null }
  return feedback.kind === 'bounce'
    ? { ...feedback, attribution, diagnosticCode: null }
    : { ...feedback, attribution }
}
