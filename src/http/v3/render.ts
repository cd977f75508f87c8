import { z } from 'zod'
import type { Keyring } from '../../attribute/keyring.ts'
import { recipientLinks } from '../../attribute/recipient-links.ts'
import { hasGroupTags, renderTags } from '../../attribute/render-tags.ts'
import { maxGroupsToDisplay } from '../../attribute/sealed-token.ts'
import { listGroups } from '../../suppression/groups.ts'
import { type Problem, ValidationError } from '../errors.ts'
import { emailAddress } from '../validate.ts'
import { type Caller, type Route, route } from './route.ts'

const groupId = z.int().min(1).max(0x7fffffff)
const body = z.string().max(1_000_000)

const request = z.object({
  recipient: z.object({
    email: emailAddress,
    group_id: groupId.nullish(),
    groups_to_display: z.array(groupId).max(maxGroupsToDisplay).nullish(),
    message_id: z.string().min(1).max(1_000).nullish(),
  }),
  html: body.nullish(),
  text: body.nullish(),
  substitution_tag: z.string().min(1).max(100).nullish(),
})

type Request = z.infer<typeof request>

type RenderDeps = { keyring: Keyring; publicUrl: string }

export function createRenderRoutes({ keyring, publicUrl }: RenderDeps): readonly Route[] {
  return [
    route(
      {
        method: 'post',
        path: '/feedback/render',
        scope: 'feedback.tokens',
        tag: 'Feedback tokens',
        summary: 'Put the links of one recipient in place of the substitution tags of a mail',
        body: request,
        responses: {
          200: z.strictObject({ html: z.string().nullable(), text: z.string().nullable() }),
        },
      },
      async ({ body: mail, ...caller }) => {
        const content = { html: mail.html ?? null, text: mail.text ?? null }
        await demandGroups(caller, mail, hasGroupTags(content))
        const key = await keyring.newest(caller.tenantId)
        if (key === null) throw new Error(`tenant ${caller.tenantId} has no signing key`)
        const links = recipientLinks(key, publicUrl, claimOf(mail), caller.now)
        return { status: 200, body: renderTags(content, links, mail.substitution_tag ?? null) }
      },
    ),
  ]
}

function claimOf({ recipient }: Request) {
  return {
    recipient: recipient.email,
    groupId: recipient.group_id ?? null,
    groupsToDisplay: recipient.groups_to_display ?? [],
    messageId: recipient.message_id ?? null,
  }
}

/** Throws a ValidationError. */
async function demandGroups(
  { db, tenantId }: Caller,
  { recipient: { group_id, groups_to_display } }: Request,
  needsGroup: boolean,
): Promise<void> {
  const problems: Problem[] = []
  const reject = (msg: string, ...loc: Problem['loc'][number][]): void => {
    problems.push({ loc: ['body', 'recipient', ...loc], msg, type: 'value_error' })
  }
  if (needsGroup && group_id == null) reject('Needed for the tag of a group', 'group_id')
  const displayed = groups_to_display ?? []
  if (group_id != null || displayed.length > 0) {
    const groups = await db.run((sql) => listGroups(sql, tenantId))
    const isUnknown = (id: number): boolean => !groups.some((group) => group.groupId === id)
    if (group_id != null && isUnknown(group_id)) reject('Not a group of this tenant', 'group_id')
    for (const [at, id] of displayed.entries()) {
      if (isUnknown(id)) reject('Not a group of this tenant', 'groups_to_display', at)
    }
  }
  if (problems.length > 0) throw new ValidationError(problems)
}
