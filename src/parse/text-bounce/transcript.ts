/**
 * The replies of an SMTP session that a text bounce prints, by recipient in lower-case:
 * `>>> RCPT To:<user@…>` and the `<<< 550 …` below, or `550 5.1.1 <user@…>... User unknown`.
 */
export function transcriptReplies(text: string): Map<string, string> {
  const replies = new Map<string, string>()
  if (!sessionMarks.test(text)) return replies
  let asked: string | null = null
  let answer: string[] = []
  const settle = () => {
    if (asked !== null && answer.length > 0 && !replies.has(asked)) {
      replies.set(asked, answer.join(' '))
    }
    answer = []
  }
  for (const line of text.split('\n', maxLines)) {
    const command = clientLine.exec(line)
    if (command !== null) {
      settle()
      asked = command[1] === undefined ? asked : command[1].toLowerCase()
      continue
    }
    const reply = serverLine.exec(line)?.[1]
    if (reply !== undefined) {
      if (refusal.test(reply)) answer.push(reply)
      continue
    }
    settle()
    const own = ownReply.exec(line)
    const address = own?.[2]?.toLowerCase()
    if (own?.[1] !== undefined && address !== undefined && !replies.has(address)) {
      replies.set(address, own[1])
    }
  }
  settle()
  return replies
}

const maxLines = 20_000
const sessionMarks =
  /^[ \t]{0,8}(?:(?:Sent |Received )?(?:>>>|<<<)|In:|Out:) |^[45]\d\d[ -].{0,200}\.\.\. /im
// InterScan writes `Sent` and `Received` with arrows of either direction.
const clientLine =
  /^[ \t]{0,8}(?:Sent (?:>>>|<<<)|>>>|In:)[ \t]{1,4}(?:RCPT TO:[ \t]?<?([^\s<>]{3,320})>?)?/i
const serverLine = /^[ \t]{0,8}(?:Received (?:>>>|<<<)|<<<|Out:)[ \t]{1,4}(.{1,1000})/
const refusal = /^[45]\d\d/
const ownReply =
  /^([45]\d\d(?:[ -]#?[45]\.\d{1,3}\.\d{1,3})?[ -]<?([^\s<>]{1,128}@[^\s<>]{1,200}?)>?\.\.\.[ ].{1,1000})/
