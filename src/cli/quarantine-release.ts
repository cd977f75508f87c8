import { canonicalAddress } from '../feedback/address.ts'
import type { Concerned, Release, Released } from '../feedback/release.ts'
import { release } from '../release.ts'
import { commandActor } from './changed-by.ts'
import { CommandError } from './command-error.ts'
import { messageId, type OwnerOptions, ownerOf, unknownMessage } from './message-named.ts'
import { print } from './output.ts'
import { tenantNamed } from './tenant.ts'
import { terminalText } from './terminal-text.ts'
import { withReplay } from './with-replay.ts'

type Options = OwnerOptions & {
  recipient?: string[]
  yes?: boolean
  for?: string
  reason?: string
  json?: boolean
}

/** Lets a message act. Without --yes or --recipient it says whom that would concern, and fails. */
export async function releaseMessage(id: string, options: Options): Promise<void> {
  const { recipient, yes = false, reason = null, json = false } = options
  if (recipient !== undefined && yes) {
    throw new CommandError('--yes and --recipient exclude each other')
  }
  if (options.for !== undefined && !options.platform) {
    throw new CommandError('--for goes with --platform')
  }
  const recipients = recipient?.map(addressOf) ?? (yes ? 'all' : null)
  const done = await withReplay(async (deps) => {
    const waiting = await deps.db.run(async (sql) => {
      const tenantId = await ownerOf(sql, options)
      const owner = options.for === undefined ? null : await tenantNamed(sql, options.for)
      const ownerId = owner?.tenantId ?? tenantId
      return { tenantId, ownerId, receivedMessageId: messageId(id) }
    })
    return release(deps, waiting, { recipients, by: commandActor(reason) })
  })
  const released = demandReleased(id, done)
  print(json, released, textOf(released))
}

function addressOf(text: string): string {
  const address = canonicalAddress(text)
  if (address === null) throw new CommandError(`${text} is no address`)
  return address
}

function demandReleased(id: string, done: Release): Released {
  switch (done.result) {
    case 'released':
      return done
    case 'not-found':
      throw unknownMessage(id)
    case 'unowned':
      throw new CommandError(`message ${id} is of no tenant: say whose it is with --for <tenant>`)
    case 'not-waiting':
      throw new CommandError(
        `message ${id} waits for no decision; \`hearback replay\` reads it again`,
      )
    case 'not-named':
      throw new CommandError(`message ${id} does not name ${done.addresses.join(', ')}`)
    case 'names-nobody':
      throw new CommandError(`nothing in message ${id} can be put onto a list: ${done.reason}`)
    case 'unconfirmed':
      throw new CommandError(
        `this would act on ${listed(done.concerned)}: say --yes, or --recipient <address> for some of them`,
      )
  }
}

const maxNamed = 10

function listed(concerned: readonly Concerned[]): string {
  const named = concerned.slice(0, maxNamed).map(what).join('; ')
  const rest = concerned.length - maxNamed
  return rest > 0 ? `${named}; and ${rest} more` : named
}

function what({ address, kind, bounceClass }: Concerned): string {
  return `${terminalText(address)} (${[bounceClass, kind].filter((part) => part).join(' ')})`
}

function textOf({ isVouchedFor, concerned }: Released): string {
  const lines = concerned.map((one) => {
    const fate = one.isListed ? 'listed' : 'not listed: it has lapsed, or was removed since'
    return `${what(one)}: ${fate}`
  })
  const head = isVouchedFor ? 'released on your word' : 'released by the rules of today'
  return [lines.length === 0 ? `${head}: it changes no list` : head, ...lines].join('\n')
}
