import { feedbackHeaders, type GroupClaim, type SigningKey } from '../token/token.ts'
import {
  type Bypass,
  CheckFailedError,
  type CheckOptions,
  createCheck,
  SuppressedError,
} from './check.ts'
import { sendEach } from './send-each.ts'

// The module `hearback/nodemailer`. Of a composed mail it wants no more than every nodemailer since
// version 6 has.

export { CheckFailedError, SuppressedError, sendEach }

export type HearbackOptions = GroupClaim & {
  /** From readSigningKey. */
  key: SigningKey
  /** An inbound domain of the tenant: where bounces go. */
  domain: string
  /** HEARBACK_PUBLIC_URL of the daemon: where links lead. */
  publicUrl: string
  /** Ask before each mail whether its recipient is suppressed; `null`: sign only. */
  check: CheckOptions | null
  /** What the check leaves out, as for mail that somebody waits for. */
  bypass?: readonly Bypass[] | undefined
}

/** What a mail says in its field `hearback` where it differs from the options of the plugin. */
export type HearbackFields = GroupClaim & {
  /** By what the sender knows the mail; its Message-ID, as sendMail reports it, when absent. */
  messageId?: string | undefined
  bypass?: readonly Bypass[] | undefined
}

export type ComposedMail = {
  data: { raw?: unknown; hearback?: HearbackFields; _dkim?: object | undefined }
  message: {
    getEnvelope(): { to: string[] }
    setEnvelope(envelope: { from: string; to: string }): unknown
    setHeader(name: string, value: string): unknown
    messageId(): string
  }
}

/** A return path belongs to one recipient. */
export class RecipientsError extends Error {
  override name = 'RecipientsError'
  readonly code = 'EHEARBACKRECIPIENTS'
  readonly recipients: readonly string[]

  constructor(recipients: readonly string[]) {
    super(`a mail is signed for one recipient; this one has ${recipients.length}: use sendEach`)
    this.recipients = recipients
  }
}

/**
 * `transporter.use('stream', hearback(options))`: asks before each mail whether its recipient is
 * suppressed, then signs it: return path, List-Unsubscribe and the other header fields of ours, in
 * place of what the mail brings. Sending rejects with a SuppressedError, a CheckFailedError or a
 * RecipientsError. Throws a TypeError for options that cannot work.
 */
export function hearback(
  options: HearbackOptions,
): (mail: ComposedMail, done: (error?: Error | null) => void) => void {
  const check = options.check === null ? null : createCheck(options.check)
  // What is wrong with the options is said at once, and not at each mail.
  feedbackHeaders({ ...options, email: 'postmaster@example.com' })
  return (mail, done) => {
    prepare(mail).then(() => done(), done)
  }

  async function prepare({ data, message }: ComposedMail): Promise<void> {
    const { bypass = [], ...claim } = { ...options, ...data.hearback }
    const envelope = message.getEnvelope()
    const [email, ...others] = envelope.to
    if (email === undefined || others.length > 0) throw new RecipientsError(envelope.to)
    if (data.raw)
      throw new TypeError('a raw mail takes no header fields: use hearback/token for it')
    const messageId = claim.messageId ?? message.messageId()
    const { returnPath, headers } = feedbackHeaders({ ...claim, messageId, email })
    await check?.({ email, groupId: claim.groupId ?? null, bypass })
    message.setEnvelope({ ...envelope, from: returnPath, to: email })
    for (const [name, value] of Object.entries(headers)) message.setHeader(name, value)
    // Stands back where the transporter is told what to sign.
    data._dkim = { headerFieldNames: dkimFields, ...data._dkim }
  }
}

/** What nodemailer signs by itself, and what RFC 8058 section 4 and RFC 9477 want signed besides. */
const dkimFields = [
  'From:Sender:Reply-To:Subject:Date:Message-ID:To:Cc:MIME-Version:Content-Type',
  'Content-Transfer-Encoding:Content-ID:Content-Description:Resent-Date:Resent-From:Resent-Sender',
  'Resent-To:Resent-Cc:Resent-Message-ID:In-Reply-To:References:List-Id:List-Help',
  'List-Unsubscribe:List-Subscribe:List-Post:List-Owner:List-Archive:OTP-Token',
  'List-Unsubscribe-Post:CFBL-Address:CFBL-Feedback-ID:X-Hearback-Ref',
].join(':')
