/** RFC 5321 section 2.3.1: what the SMTP client said before DATA. */
export type Envelope = {
  /** '' is the null reverse-path (RFC 5321 section 4.5.5). */
  mailFrom: string
  rcptTo: readonly string[]
  helo: string
  remoteAddress: string
  tls: boolean
}

/** One message as it came in through a door, before anyone has read it. */
export type ReceivedMessage = {
  /** UUID version 7. */
  id: string
  receivedAt: Date
  envelope: Envelope
  raw: Buffer
}
