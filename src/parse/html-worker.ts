import { parentPort } from 'node:worker_threads'
import { simpleParser } from 'mailparser'
import { htmlToText } from './html-text.ts'
import { maxHtmlLength } from './limits.ts'

// Runs in a thread of its own, so that a message made to stall mailparser stalls nobody else.
parentPort?.on('message', (raw: Uint8Array) => {
  readHtml(raw).then(
    (text) => parentPort?.postMessage(text),
    () => parentPort?.postMessage(''),
  )
})

async function readHtml(raw: Uint8Array): Promise<string> {
  const mail = await simpleParser(Buffer.from(raw), {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipTextLinks: true,
    skipImageLinks: true,
    keepDeliveryStatus: true,
  })
  return mail.html === false ? (mail.text ?? '') : htmlToText(mail.html, maxHtmlLength)
}
