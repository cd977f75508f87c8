/** What the remote server said, cut out of the words that the sending one put around it. */
export type RemoteWords = { text: string; remoteMta: string | null }

/**
 * `host mx.example.com [192.0.2.1]: 550 5.1.1 No such user` and its many kin. Where no SMTP reply
 * stands in the text, all of it is the diagnosis.
 */
export function remoteWords(text: string): RemoteWords {
  const said = text.replace(ruleBelow, '').replace(givingUp, '')
  const line = said.replace(transcriptMarks, ' ').replace(/\s+/g, ' ').trim()
  const remoteMta = remoteHost.exec(line)?.[1] ?? null
  const found = quotedReply.exec(line)?.[1] ?? laterReply.exec(line)?.[1] ?? line
  // A code at the end of a sentence is not what was said.
  return { text: tidy(word.test(found) ? found : line), remoteMta }
}

/** Whether an SMTP reply or an enhanced status code stands in it. */
export function hasReply(text: string): boolean {
  return laterReply.test(text) || enhancedCode.test(text)
}

const word = /\p{L}{2}/u

/** `--- End Transcript ---`, and what stands below. The look back comes second: it is the dear part. */
const ruleBelow = /\n(?<=[\p{L}\d][^\n]{0,400}\n)[ \t]{0,8}-{3}[^>\n][\s\S]*$/u

/** qmail's `Giving up on 192.0.2.1.`, in any language. */
const givingUp = /\n[^\n\d]{3,40} \d{1,3}(?:\.\d{1,3}){3}\.(?=\s|$)/g

const transcriptMarks = /(?:^|\n)[ \t]{0,8}(?:<<<|Out:)[ \t]/g

// `This is the mail system at host …` introduces the sender of the bounce.
const remoteHost =
  /\b(?<!at )(?:host|server|connect to|connection (?:to|with)|talking to|contacted|relay[ =])[ :<]{1,3}([a-z0-9_](?:[a-z0-9_-]{0,62}\.){1,10}[a-z0-9-]{2,62})\b/i

const quotedReply =
  /(?:said|says|returned(?: was)?|respon(?:ded|se)(?: (?:from|of) the (?:remote )?server)?(?: was)?|replied|as follows|reason|error(?: message)?|output|got|issued)[ :]{1,3}['"[(]{0,2} ?(?:smtp; ?)?([245]\d\d(?:[ -]|:? ).+)/i

const laterReply =
  /(?:^|[\s:;'"([=#-])([45][0-5]\d(?:[ -]['"(<[]?#?[45]\.\d{1,3}\.\d{1,3}\b|[- ]{1,3}(?=[A-Za-z<"'([*])|: ?(?=[A-Za-z45<:])).{0,4000})/

const enhancedCode = /(?:^|[^\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])/

function tidy(text: string): string {
  let words = text
    .replace(inReplyTo, '')
    .replace(/^[:.;)\]>\s]+/, '')
    .trim()
  words = words.replace(/^(\d{3})[ -](?=\1[ -])/, '')
  const last = words.at(-1)
  const isUnpaired =
    (last === "'" && !words.slice(0, -1).includes("'")) ||
    (last === '"' && !words.slice(0, -1).includes('"')) ||
    (last === ']' && !words.includes('[')) ||
    (last === ')' && !words.includes('('))
  return isUnpaired ? words.slice(0, -1).trim() : words
}

const inReplyTo = / ?\(in reply to (?:end of )?[A-Z ]{1,20} command\)/gi
