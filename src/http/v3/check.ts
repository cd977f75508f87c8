import { z } from 'zod'
import { type Bypass, UnknownGroupError } from '../../suppression/check.ts'
import type { Checker } from '../../suppression/check-batches.ts'
import { type CheckRecord, checkRecord } from '../../suppression/check-record.ts'
import { ValidationError } from '../errors.ts'
import { emailAddress, wholeNumber } from '../validate.ts'
import { emailInPath } from './list.ts'
import { type Route, route } from './route.ts'
import { unixTimeOut } from './shapes.ts'

/** Below /v3. */
export const checkPath = '/suppression/check'
const tag = 'Check'

/** PostgreSQL's integer; a larger one is the id of no group. */
const maxGroupId = 2_147_483_647

const setting = z.object({ enable: z.boolean().optional() }).nullish()

/** `asm` and `mail_settings` as they stand in the body of a mail to be sent. */
export const checkBody = z.object({
  emails: z.array(emailAddress).min(1).max(1_000),
  asm: z
    .object({ group_id: z.int().min(1).max(maxGroupId) })
    .nullish()
    .describe('The default group of the tenant when absent'),
  mail_settings: z
    .object({
      bypass_list_management: setting.describe('Check nothing'),
      bypass_bounce_management: setting,
      bypass_spam_management: setting,
      bypass_unsubscribe_management: setting.describe('The global list only'),
    })
    .nullish(),
})

const flag = z.enum(['true', 'false']).optional()

const checkQuery = z.object({
  group_id: wholeNumber(1, maxGroupId).optional(),
  bypass_list_management: flag,
  bypass_bounce_management: flag,
  bypass_spam_management: flag,
  bypass_unsubscribe_management: flag,
})

export const checkRecordShape = z.strictObject({
  email: z.string(),
  suppressed: z.boolean(),
  reason: z
    .enum([
      'suppressed_bounce',
      'suppressed_spam',
      'suppressed_unsubscribe',
      'suppressed_group_unsubscribe',
    ])
    .nullable()
    .describe('null: mail may be sent'),
  lists: z.array(
    z.strictObject({
      list: z.enum(['bounces', 'spam_reports', 'global_unsubscribes', 'group_unsubscribes']),
      bounce_type: z.enum(['hard', 'soft', 'block']).optional(),
      group_id: z.int().optional(),
      since: unixTimeOut,
      until: unixTimeOut.nullable().describe('null: until it is removed'),
    }),
  ),
})

const checkResults = z
  .strictObject({ results: z.array(checkRecordShape) })
  .meta({ id: 'CheckResults' })

type CheckResults = { results: CheckRecord[] }

export function createCheckRoutes(checker: Checker): readonly Route[] {
  return [
    route(
      {
        method: 'post',
        path: checkPath,
        scope: 'suppressions.read',
        limit: 'checks',
        tag,
        summary: 'May mail be sent to these addresses?',
        body: checkBody,
        responses: { 200: checkResults },
      },
      async ({ tenantId, body }) => ({
        status: 200,
        body: await answerCheck(checker, tenantId, body),
      }),
    ),
    route(
      {
        method: 'get',
        path: `${checkPath}/:email`,
        scope: 'suppressions.read',
        limit: 'checks',
        tag,
        summary: 'May mail be sent to this address?',
        params: emailInPath,
        query: checkQuery,
        responses: { 200: checkResults },
      },
      async ({ tenantId, params, query: { group_id: groupId = null, ...flags } }) => {
        const question = { tenantId, groupId, addresses: [params.email] }
        const bypass = bypassOf((name) => flags[name] === 'true')
        return { status: 200, body: await ask(checker, question, bypass, ['query', 'group_id']) }
      },
    ),
  ]
}

/** The answer to a checked body. Throws a ValidationError when the tenant never had the group. */
export function answerCheck(
  checker: Checker,
  tenantId: number,
  { emails: addresses, asm, mail_settings: settings }: z.infer<typeof checkBody>,
): Promise<CheckResults> {
  const question = { tenantId, groupId: asm?.group_id ?? null, addresses }
  const bypass = bypassOf((name) => settings?.[name]?.enable === true)
  return ask(checker, question, bypass, ['body', 'asm', 'group_id'])
}

type BypassName = `bypass_${'list' | 'bounce' | 'spam' | 'unsubscribe'}_management`

function bypassOf(isEnabled: (name: BypassName) => boolean): Bypass {
  return {
    listManagement: isEnabled('bypass_list_management'),
    bounceManagement: isEnabled('bypass_bounce_management'),
    spamManagement: isEnabled('bypass_spam_management'),
    unsubscribeManagement: isEnabled('bypass_unsubscribe_management'),
  }
}

async function ask(
  checker: Checker,
  question: Parameters<Checker['check']>[0],
  bypass: Bypass,
  groupLoc: readonly string[],
): Promise<CheckResults> {
  try {
    const verdicts = await checker.check(question, bypass)
    const { addresses } = question
    return { results: verdicts.map((verdict, at) => checkRecord(addresses[at] ?? '', verdict)) }
  } catch (error) {
    if (!(error instanceof UnknownGroupError)) throw error
    throw new ValidationError([{ loc: groupLoc, msg: error.message, type: 'value_error' }])
  }
}
