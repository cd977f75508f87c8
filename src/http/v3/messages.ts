import { z } from 'zod'
import type { ChangedBy } from '../../feedback/actor.ts'
import type { MessageSummary } from '../../feedback/message-summary.ts'
import type { Release, Vouched, Waiting } from '../../feedback/release.ts'
import type { ReplayedMessage, Undecidable } from '../../feedback/replay.ts'
import { listFeedbackOfMessages } from '../../record/message-feedback.ts'
import {
  findRaw,
  findStoredMessage,
  listStoredMessages,
  type MessageFilter,
  type MessagePosition,
  type StoredMessage,
  storedOutcomes,
} from '../../record/stored-messages.ts'
import { ApiError } from '../errors.ts'
import { emailAddress, wholeNumber } from '../validate.ts'
import { nextPageLink, readCursor, writeCursor } from './cursor.ts'
import { cursorParameter, unixTime } from './list.ts'
import {
  messageDetail,
  messageDetailShape,
  messageRecord,
  messageShape,
  outcome,
  releaseRecord,
  releaseShape,
  replayRecord,
  replayShape,
} from './message-record.ts'
import { type Caller, type Route, route } from './route.ts'

/** What is done with stored messages behind this door. */
export type MessageActions = {
  /** Of the first bytes of a message, at most `summaryBytes` of them. */
  summarise: (raw: Buffer) => MessageSummary
  summaryBytes: number
  release: (waiting: Waiting, vouched: Vouched) => Promise<Release>
  replay: (
    message: { tenantId: number; receivedMessageId: string },
    how: { by: ChangedBy; isDry: boolean },
  ) => Promise<ReplayedMessage>
}

const collection = '/feedback/messages'
const one = `${collection}/:id`
const tag = 'Messages'
const read = 'suppressions.read'

const query = z.object({
  limit: wholeNumber(1, 500).default(50),
  cursor: cursorParameter,
  outcome: outcome.optional(),
  start_time: unixTime.optional(),
  end_time: unixTime.optional(),
})

const params = z.object({ id: z.uuid() })

const vouching = z
  .strictObject({
    recipients: z.array(emailAddress).min(1).max(1_000).optional(),
    all: z.literal(true).optional(),
  })
  .refine(
    ({ recipients, all }) => (recipients === undefined) !== (all === undefined),
    'Say for whom you vouch: some recipients, or all',
  )

/** The mail of a tenant as it came in: never that of another one or of the platform. */
export function createMessageRoutes({ messages }: { messages: MessageActions }): readonly Route[] {
  return [
    route(
      {
        method: 'get',
        path: collection,
        scope: read,
        tag,
        summary: 'Mail that came in and what became of it, newest first',
        query,
        responses: { 200: z.strictObject({ messages: z.array(messageShape) }) },
      },
      async ({ query, ...caller }) => {
        const page = await messagePage(caller, query)
        const last = page.at(-1)
        const { cursor: _, ...rest } = query
        const isFull = page.length === query.limit
        const headers = last && isFull ? nextPageLink(collection, rest, cursorAfter(last)) : {}
        return { status: 200, body: { messages: page.map(messageRecord) }, headers }
      },
    ),
    route(
      {
        method: 'get',
        path: one,
        scope: read,
        tag,
        summary: 'One message: envelope, header, text, what was read in it and what came of it',
        params,
        responses: { 200: messageDetailShape },
      },
      async ({ params: { id }, db, tenantId }) => {
        const message = await found(db.run((sql) => findStoredMessage(sql, tenantId, id)))
        const raw = await db.run((sql) =>
          findRaw(sql, tenantId, message.mailId, messages.summaryBytes),
        )
        const told = await db.run((sql) => listFeedbackOfMessages(sql, tenantId, [id]))
        const summary = raw && messages.summarise(raw)
        return { status: 200, body: messageDetail(message, summary, told) }
      },
    ),
    route(
      {
        method: 'get',
        path: `${one}/raw`,
        scope: read,
        tag,
        summary: 'One message as it came, as a file; 404 also when its bytes are kept no longer',
        params,
        responses: {},
        files: ['message/rfc822'],
      },
      async ({ params: { id }, db, tenantId }) => {
        const { mailId } = await found(db.run((sql) => findStoredMessage(sql, tenantId, id)))
        const raw = await found(db.run((sql) => findRaw(sql, tenantId, mailId)))
        const file = { contentType: 'message/rfc822', fileName: `${id}.eml` }
        return { status: 200, ...file, chunks: inOne(raw) }
      },
    ),
    releaseRoute(messages),
    replayRoute(messages),
  ]
}

function releaseRoute({ release }: MessageActions): Route {
  return route(
    {
      method: 'post',
      path: `${one}/release`,
      scope: 'suppressions.write',
      tag,
      summary: 'Let a message act that was not believed or not understood: you vouch for it',
      params,
      body: vouching,
      responses: { 200: releaseShape },
    },
    async ({ params: { id }, body: { recipients }, tenantId, by }) => {
      const waiting = { tenantId, ownerId: tenantId, receivedMessageId: id }
      const released = await release(waiting, { recipients: recipients ?? 'all', by })
      return { status: 200, body: releaseRecord(demandReleased(released)) }
    },
  )
}

function replayRoute({ replay }: MessageActions): Route {
  return route(
    {
      method: 'post',
      path: `${one}/replay`,
      scope: 'suppressions.write',
      tag,
      summary: 'Read a message anew by the rules of today, and let it act accordingly',
      params,
      query: z.object({
        dry_run: z
          .enum(['true', 'false'])
          .default('false')
          .transform((text) => text === 'true')
          .describe('Only say what would change'),
      }),
      responses: { 200: replayShape },
    },
    async ({ params: { id }, query: { dry_run: isDry }, tenantId, by }) => {
      const replayed = await replay({ tenantId, receivedMessageId: id }, { by, isDry })
      return { status: 200, body: replayRecord(demandReplayed(replayed)) }
    },
  )
}

async function messagePage(
  { db, tenantId }: Caller,
  { limit, cursor, outcome, start_time: start, end_time: end }: z.infer<typeof query>,
): Promise<StoredMessage[]> {
  const filter: MessageFilter = {
    outcomes: outcome === undefined ? storedOutcomes : [outcome],
    since: start === undefined ? null : new Date(start * 1000),
    before: end === undefined ? null : new Date((end + 1) * 1000),
  }
  const after = cursor === undefined ? null : positionOf(cursor)
  return db.run((sql) => listStoredMessages(sql, tenantId, filter, { after, limit }))
}

const position = z.tuple([z.int().min(0).max(253_402_300_799_999), z.uuid()])

function positionOf(cursor: string): MessagePosition {
  const read = position.safeParse(readCursor(cursor))
  if (!read.success) {
    throw new ApiError(400, 'This cursor does not come from a page of messages', 'cursor')
  }
  const [milliseconds, receivedMessageId] = read.data
  return { receivedAt: new Date(milliseconds), receivedMessageId }
}

function cursorAfter({ receivedAt, receivedMessageId }: MessagePosition): string {
  return writeCursor([receivedAt.getTime(), receivedMessageId])
}

async function found<Value>(looked: Promise<Value | null>): Promise<Value> {
  const value = await looked
  if (value === null) throw new ApiError(404, 'Not found')
  return value
}

async function* inOne(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

function demandReleased(release: Release): Extract<Release, { result: 'released' }> {
  switch (release.result) {
    case 'released':
      return release
    case 'not-found':
    case 'unowned':
      throw new ApiError(404, 'Not found')
    case 'not-waiting':
      throw new ApiError(409, 'This message waits for no decision')
    case 'unconfirmed':
      throw new ApiError(400, 'Say for whom you vouch: some recipients, or all')
    case 'not-named':
      throw new ApiError(400, 'The message does not name all of these recipients', 'recipients')
    case 'names-nobody':
      throw new ApiError(409, `Nothing in this message can be put onto a list: ${release.reason}`)
  }
}

function demandReplayed(replay: ReplayedMessage): Extract<ReplayedMessage, { result: 'replayed' }> {
  switch (replay.result) {
    case 'replayed':
      return replay
    case 'not-found':
      throw new ApiError(404, 'Not found')
    case 'undecidable':
      throw new ApiError(409, whyUndecidable[replay.reason])
    case 'unstorable':
      throw new ApiError(409, 'What is read in this message cannot be stored')
  }
}

const whyUndecidable: Record<Undecidable, string> = {
  'nothing-kept': 'Neither the bytes nor the report of this message are kept',
  'not-ours': 'This message was sent to what is no address of yours any more',
}
