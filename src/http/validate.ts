import { z } from 'zod'
import { canonicalAddress } from '../feedback/address.ts'
import { type Problem, ValidationError } from './errors.ts'

/** An address in any spelling; what comes out is canonical. */
export const emailAddress = z
  .string()
  .transform((text, context) => {
    const address = canonicalAddress(text)
    if (address !== null) return address
    context.addIssue({ code: 'custom', message: 'Invalid email address' })
    return z.NEVER
  })
  .meta({ format: 'email' })

/** Text that PostgreSQL can hold; `null` when absent. */
export function optionalText(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'Invalid characters')
    .nullish()
    .transform((text) => text ?? null)
}

/** A whole number as a query parameter writes it. */
export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'Must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .meta({ type: 'integer', minimum: min, maximum: max })
}

/** The parts of a request that a call looks at. */
export type RequestSchemas<P, Q, B> = {
  params?: z.ZodType<P>
  query?: z.ZodType<Q>
  body?: z.ZodType<B>
}

const anything = z.unknown()

/** The parts of a request in the shapes asked for. Throws a ValidationError with all faults. */
export function validate<P, Q, B>(
  schemas: RequestSchemas<P, Q, B>,
  request: { params: unknown; query: unknown; body: unknown },
): { params: P; query: Q; body: B } {
  const params = (schemas.params ?? (anything as z.ZodType<P>)).safeParse(request.params)
  const query = (schemas.query ?? (anything as z.ZodType<Q>)).safeParse(request.query)
  const body = (schemas.body ?? (anything as z.ZodType<B>)).safeParse(request.body)
  if (params.success && query.success && body.success) {
    return { params: params.data, query: query.data, body: body.data }
  }
  throw new ValidationError([
    ...problems('path', params.error),
    ...problems('query', query.error),
    ...problems('body', body.error),
  ])
}

/** A list of thousands may be wrong in every line. */
const maxProblems = 100

function problems(part: string, error: z.ZodError | undefined): Problem[] {
  const issues = error?.issues ?? []
  return issues.slice(0, maxProblems).map((issue) => ({
    loc: [part, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))],
    msg: issue.message,
    type: issue.code === 'custom' ? 'value_error' : issue.code,
  }))
}
