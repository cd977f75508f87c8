import { afterAll, describe, expect, it } from 'vitest'
import { createParser } from '../../src/parse/parse.ts'
import { message } from './message-text.ts'

const parser = createParser()
afterAll(() => parser.close())

const sender = {
  'Return-Path': '<>',
  From: 'Microsoft Outlook <postmaster@mx.example.net>',
  To: 'bounces@sender.example',
  Subject: 'Undeliverable: Your order',
}
const html = `<html><head><style>p { color: red }</style><title>x</title></head><body>
<p><b>Delivery has failed to these recipients or groups:</b></p>
<p><a href="mailto:gone@example.com">gone@example.com</a><br>The address couldn&#39;t be found.</p>
<p>Diagnostic information for administrators:</p><p>Generating server: mx.example.net</p>
<p>gone@example.com<br>Remote Server returned &#39;550 5.1.10 Recipient not found&#39;</p></body></html>`

describe('a bounce whose text is HTML alone', () => {
  it.each([
    ['as the body', message({ ...sender, 'Content-Type': 'text/html; charset=utf-8' }, html)],
    [
      'in base64',
      message(
        { ...sender, 'Content-Type': 'text/html', 'Content-Transfer-Encoding': 'base64' },
        Buffer.from(html).toString('base64'),
      ),
    ],
    [
      'in a multipart',
      message(
        { ...sender, 'Content-Type': 'multipart/mixed; boundary=b' },
        `--b\nContent-Type: text/html\n\n${html}\n--b--\n`,
      ),
    ],
  ])('is read %s', async (_, raw) => {
    expect(await parser.parse(raw)).toMatchObject({
      type: 'delivery-status',
      format: 'office365',
      recipients: [{ finalRecipient: 'gone@example.com', status: '5.1.10', replyCode: 550 }],
    })
  })

  it('is given up where it would take too long or too much, and the next one is read', async () => {
    const type = { ...sender, 'Content-Type': 'text/html' }
    const heavy = message({ ...type, To: 'g:'.repeat(5e5) }, '<div>'.repeat(3e5))
    expect((await parser.parse(heavy)).type).toBe('unrecognized')
    expect(await parser.parse(message(type, html))).toMatchObject({
      recipients: [{ finalRecipient: 'gone@example.com' }],
    })
  })

  it('answers several at once, each with its own', async () => {
    const raws = Array.from({ length: 5 }, (_, i) => {
      const text = html.replaceAll('gone@', `gone${i}@`)
      return message({ ...sender, 'Content-Type': 'text/html' }, text)
    })
    const reports = await Promise.all(raws.map((raw) => parser.parse(raw)))
    reports.forEach((report, i) => {
      expect(report).toMatchObject({ recipients: [{ finalRecipient: `gone${i}@example.com` }] })
    })
  })
})
