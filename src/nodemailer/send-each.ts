import MailComposer from 'nodemailer/lib/mail-composer'

/** What became of the copy for one recipient: `info` is what sendMail gave. */
export type Sent<Info> = { email: string; info: Info } | { email: string; error: unknown }

/** A transporter of nodemailer that has the plugin. */
export type Transporter<Info> = {
  sendMail(message: object): Promise<Info>
  // From here the compiler takes what Info is.
  sendMail(message: object, done: (error: never, info: Info) => void): void
}

/**
 * Sends a mail to each of its recipients alone, one after the other, so that every copy is signed for
 * its recipient; To, Cc and Message-ID are the same in all. A copy that is not sent does not keep the
 * others back. Rejects with a TypeError for content that can be read only once.
 */
export async function sendEach<Info>(
  transporter: Transporter<Info>,
  message: object,
): Promise<Sent<Info>[]> {
  if (holdsStream(message)) throw new TypeError('a stream cannot be sent to several recipients')
  const composed = new MailComposer(message).compile()
  const { to, ...envelope } = composed.getEnvelope()
  // Without a From there is no domain to make one of; then nodemailer makes one for each copy.
  const messageId = envelope.from === false ? undefined : composed.messageId()
  const sent: Sent<Info>[] = []
  for (const email of to) {
    const copy = { messageId, ...message, envelope: { ...envelope, to: email } }
    sent.push(
      await transporter.sendMail(copy).then(
        (info) => ({ email, info }),
        (error: unknown) => ({ email, error }),
      ),
    )
  }
  return sent
}

/** As deep as the content of an attachment stands. */
function holdsStream(value: unknown, depth = 3): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false
  if ('pipe' in value) return true
  return depth > 0 && Object.values(value).some((inner) => holdsStream(inner, depth - 1))
}
