import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { feedbackHeaders } from '../../attribute/feedback-headers.ts'
import type { Keyring } from '../../attribute/keyring.ts'
import { maxGroupsToDisplay } from '../../attribute/sealed-token.ts'
import type { SigningKey } from '../../attribute/signing-key.ts'
import { canonicalDomain } from '../../feedback/address.ts'
import { listGroups } from '../../suppression/groups.ts'
import { findInboundDomain } from '../../tenant/inbound-domains.ts'
import { type Problem, ValidationError } from '../errors.ts'
import { emailAddress } from '../validate.ts'
import { type Caller, type Route, route } from './route.ts'

const groupId = z.int().min(1).max(0x7fffffff)

const messageId = z
  .string()
  .min(1)
  .max(1_000)
  .refine((text) => text.isWellFormed(), 'Invalid characters')

const request = z.object({
  domain: z.string(),
  recipients: z
    .array(
      z.object({
        email: emailAddress,
        group_id: groupId.nullish(),
        groups_to_display: z.array(groupId).max(maxGroupsToDisplay).nullish(),
        message_id: messageId.nullish(),
      }),
    )
    .min(1)
    .max(1_000),
})

const signed = z
  .strictObject({
    email: z.string(),
    return_path: z.string().describe('MAIL FROM of the mail to this recipient'),
    headers: z.strictObject({
      'List-Unsubscribe': z.string(),
      'List-Unsubscribe-Post': z.string(),
      'CFBL-Address': z.string(),
      'CFBL-Feedback-ID': z.string(),
      'X-Hearback-Ref': z.string(),
    }),
    unsubscribe_url: z.string(),
    preferences_url: z.string(),
  })
  .meta({ id: 'FeedbackTokens' })

type Recipient = z.infer<typeof request>['recipients'][number]
/** A group that a recipient names, and where. */
type Wanted = { id: number; loc: Problem['loc'] }

/** As many as are told of a body in the wrong shape. */
const maxProblems = 100

type TokenDeps = { keyring: Keyring; publicUrl: string }

export function createTokenRoutes({ keyring, publicUrl }: TokenDeps): readonly Route[] {
  return [
    route(
      {
        method: 'post',
        path: '/feedback/tokens',
        scope: 'feedback.tokens',
        tag: 'Feedback tokens',
        summary: 'What to put into the mail to each recipient, so that its feedback finds home',
        body: request,
        responses: { 201: z.strictObject({ tokens: z.array(signed) }) },
      },
      async ({ body: { domain: name, recipients }, ...caller }) => {
        const domain = canonicalDomain(name) ?? ''
        await demandOwn(caller, domain, recipients)
        const key = await keyring.newest(caller.tenantId)
        if (key === null) throw new Error(`tenant ${caller.tenantId} has no signing key`)
        const tokens: z.infer<typeof signed>[] = []
        for (const recipient of recipients) {
          tokens.push(sign(key, publicUrl, domain, recipient, caller.now))
          // A thousand take a tenth of a second: other calls and mail go on meanwhile.
          if (tokens.length % 50 === 0) await setImmediate()
        }
        return { status: 201, body: { tokens } }
      },
    ),
  ]
}

function sign(
  key: SigningKey,
  publicUrl: string,
  domain: string,
  { email, group_id, groups_to_display, message_id }: Recipient,
  now: Date,
): z.infer<typeof signed> {
  const claim = {
    domain,
    recipient: email,
    groupId: group_id ?? null,
    groupsToDisplay: groups_to_display ?? [],
    messageId: message_id ?? null,
  }
  const { returnPath, headers, ...urls } = feedbackHeaders(key, publicUrl, claim, now)
  return {
    email,
    return_path: returnPath,
    headers,
    unsubscribe_url: urls.unsubscribeUrl,
    preferences_url: urls.preferencesUrl,
  }
}

/** What belongs to another tenant is as unknown as what does not exist. Throws a ValidationError. */
async function demandOwn(
  { db, tenantId }: Caller,
  domain: string,
  recipients: readonly Recipient[],
): Promise<void> {
  const owner = (await db.run((sql) => findInboundDomain(sql, domain)))?.tenantId
  const problems = owner === tenantId ? [] : [problem('Not a domain of this tenant', ['domain'])]
  const wanted = recipients.flatMap(groupsOf)
  if (wanted.length > 0) {
    const groups = await db.run((sql) => listGroups(sql, tenantId))
    const known = new Set(groups.map(({ groupId }) => groupId))
    const unknown = wanted.filter(({ id }) => !known.has(id)).slice(0, maxProblems)
    problems.push(...unknown.map(({ loc }) => problem('Not a group of this tenant', loc)))
  }
  if (problems.length > 0) throw new ValidationError(problems)
}

function groupsOf({ group_id, groups_to_display }: Recipient, index: number): Wanted[] {
  const loc = ['recipients', index] as const
  const displayed = (groups_to_display ?? []).map((id, at) => ({
    id,
    loc: [...loc, 'groups_to_display', at],
  }))
  return group_id == null ? displayed : [{ id: group_id, loc: [...loc, 'group_id'] }, ...displayed]
}

function problem(msg: string, loc: Problem['loc']): Problem {
  return { loc: ['body', ...loc], msg, type: 'value_error' }
}
