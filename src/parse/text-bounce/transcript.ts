import { type SmtpCommand, smtpCommand } from '../../feedback/smtp-command.ts'

/** What a server said, and to which command. */
export type Answer = { words: string; command: SmtpCommand | null }

/** The refusals in an SMTP session that a text bounce prints. */
export type Transcript = {
  /** By recipient in lower-case. */
  replies: Map<string, Answer>
  /** The first that names nobody: it holds for everybody who is not named. */
  general: Answer | null
}

/**
 * Reads `>>> RCPT To:<user@…>` and the `<<< 550 …` below, `550 5.1.1 <user@…>... User unknown`,
 * and the marks of other software.
 */
export function readTranscript(text: string): Transcript {
  const transcript: Transcript = { replies: new Map(), general: null }
  if (!sessionMarks.test(text)) return transcript
  const turns = readTurns(text)
  turns.forEach((turn, index) => {
    const words = turn.reply.filter((line) => refusal.test(line)).join(' ')
    if (words === '') return
    const isFollowed = turns[index + 1]?.exchange === turn.exchange
    const answer = { words, command: answeredBy(turn, isFollowed) }
    const { replies } = transcript
    if (turn.recipient === null) {
      if (!consequence.test(words)) transcript.general ??= answer
    } else if (!replies.has(turn.recipient)) {
      replies.set(turn.recipient, answer)
    }
  })
  return transcript
}

/** What was said of nobody in particular, if it is the reply with that code. */
export function generalAnswer({ general }: Transcript, replyCode: number | null): Answer | null {
  if (general === null || replyCode === null) return null
  return general.words.startsWith(String(replyCode)) ? general : null
}

/** Whether a text may hold replies to commands: most do not. */
export function mayBeTranscript(text: string): boolean {
  return text.includes('<<<') || text.includes('Out:')
}

/** One reply of the server, or what the client says of its own. */
type Turn = {
  /** Counts the lines of the client. */
  exchange: number
  command: SmtpCommand | null
  /** In lower-case. */
  recipient: string | null
  reply: string[]
  /** The client says below whose reply it is. */
  isNamed: boolean
}

/**
 * Sendmail prints DATA before it reads the replies to the RCPT that it sent along (RFC 2920): the
 * last reply answers DATA, unless a recipient is named below it.
 */
function answeredBy({ command, isNamed }: Turn, isFollowed: boolean): SmtpCommand | null {
  return command === 'data' && (isNamed || isFollowed) ? 'rcpt' : command
}

function readTurns(text: string): Turn[] {
  const turns: Turn[] = []
  let said: Pick<Turn, 'exchange' | 'command' | 'recipient'> = nothingSaid
  let isBelowReply = false
  for (const line of text.split('\n', maxLines)) {
    const last = turns.at(-1)
    const wasBelowReply = isBelowReply
    isBelowReply = false
    if (!sessionLine.test(line)) continue
    const client = clientLine.exec(line)
    if (client !== null) {
      const recipient = client[1]?.toLowerCase() ?? said.recipient
      const command = client[1] === undefined ? smtpCommand(client[2] ?? '') : 'rcpt'
      said = { exchange: said.exchange + 1, command, recipient }
      continue
    }
    const reply = serverLine.exec(line)?.[1]
    if (reply !== undefined) {
      if (last !== undefined && goesOn(last, said.exchange, reply)) last.reply.push(reply)
      else turns.push({ ...said, reply: [reply], isNamed: false })
      isBelowReply = true
      continue
    }
    if (newHost.test(line)) {
      said = { exchange: said.exchange + 1, command: 'connect', recipient: null }
      continue
    }
    const own = ownReply.exec(line)
    const recipient = own?.[2]?.toLowerCase()
    if (own?.[1] === undefined || recipient === undefined) continue
    if (last !== undefined && wasBelowReply) {
      last.recipient = recipient
      last.isNamed = true
    } else {
      turns.push({ ...said, command: null, recipient, reply: [own[1]], isNamed: true })
    }
  }
  return turns
}

const nothingSaid = { exchange: 0, command: null, recipient: null }

/** Whether a line belongs to the reply above it: that says so itself, or has the same code. */
function goesOn({ exchange, reply, isNamed }: Turn, current: number, line: string): boolean {
  const above = reply.at(-1) ?? ''
  return (
    exchange === current && !isNamed && (above[3] === '-' || above.startsWith(line.slice(0, 3)))
  )
}

const maxLines = 20_000
const sessionMarks =
  /^[ \t]{0,8}(?:(?:Sent |Received )?(?:>>>|<<<)|In:|Out:) |^[45]\d\d[ -].{0,200}\.\.\. /im
// InterScan writes `Sent` and `Received` with arrows of either direction.
const clientLine =
  /^[ \t]{0,8}(?:Sent (?:>>>|<<<)|>>>|In:)[ \t]{1,4}(?:RCPT TO:[ \t]?<?([^\s<>]{3,320})>?|([a-z]{4}))?/i
const serverLine = /^[ \t]{0,8}(?:Received (?:>>>|<<<)|<<<|Out:)[ \t]{1,4}(.{1,1000})/
/** What begins like one of the lines above and below. */
const sessionLine = /^[ \t.]{0,8}[<>IOSRW45]/i
const newHost = /^[ .]{0,8}while talking to /i
const refusal = /^[45]\d\d/
/** To DATA, when there is nobody left to write to. */
const consequence = /^503|valid recipient|\b(?:need|no) rcpt|rcpt first/i
const ownReply =
  /^([45]\d\d(?:[ -]#?[45]\.\d{1,3}\.\d{1,3})?[ -]<?([^\s<>]{1,128}@[^\s<>]{1,200}?)>?\.\.\.[ ].{1,1000})/
