import { describe, expect, it } from 'vitest'
import { parseReport } from '../../src/parse/report.ts'
import { message, multipartReport } from './message-text.ts'

const person = { From: 'Someone <someone@example.com>', To: 'bounces@sender.example' }
const away = 'I am away. For a new address: 550 5.1.1 user unknown, write to decoy@example.com.'

describe('an automatic response', () => {
  it.each([
    ['a subject in English', { Subject: 'Automatic reply: Your order' }],
    ['a subject in German', { Subject: 'Abwesenheitsnotiz: Ihre Bestellung' }],
    ['a subject in French', { Subject: '=?iso-8859-1?Q?R=E9ponse_automatique?= : votre commande' }],
    ['a subject in Spanish', { Subject: 'Respuesta automática: su pedido' }],
    ['a subject in Japanese', { Subject: '自動応答: ご注文' }],
    ['a subject in Chinese', { Subject: '自动回复: 订单' }],
    ['a subject in Russian', { Subject: 'Автоответ: заказ' }],
    ['a subject in Polish', { Subject: 'Odpowiedź automatyczna: zamówienie' }],
    ['a subject in Dutch', { Subject: 'Automatisch antwoord: bestelling' }],
    ['RFC 3834', { Subject: 'Re: Your order', 'Auto-Submitted': 'auto-replied (vacation)' }],
    ['the field of a vacation program', { Subject: 'Re: Your order', 'X-Autoreply': 'yes' }],
    ['the null reverse-path as well', { Subject: 'Out of office', 'Return-Path': '<>' }],
    ['Precedence', { Subject: 'Thank you', Precedence: 'auto_reply' }],
  ])('is known by %s', (_, headers) => {
    expect(parseReport(message({ ...person, ...headers }, away))?.type).toBe('automatic-response')
  })

  it('is a challenge when it asks for proof', () => {
    const raw = message({ ...person, Subject: 'Please confirm your message' }, 'Click here.')
    expect(parseReport(raw)).toMatchObject({ type: 'automatic-response', format: 'challenge' })
  })

  it('is a receipt by its report type', () => {
    const raw = multipartReport('disposition-notification', [
      'Content-Type: text/plain\n\nRead.',
      'Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;a@example.com\nDisposition: manual-action/MDN-sent-manually; displayed',
    ])
    expect(parseReport(raw)).toMatchObject({ format: 'disposition-notification' })
  })

  it('is no bounce with a mail system’s Auto-Submitted, and no reply with a person’s', () => {
    const daemon = {
      From: 'Mail Delivery System <mailer-daemon@mx.example.net>',
      To: 'bounces@sender.example',
      Subject: 'Mail delivery failed: returning message to sender',
      'Auto-Submitted': 'auto-replied',
    }
    const body = 'The following address(es) failed:\n\n  gone@example.com\n    550 5.1.1 unknown\n'
    expect(parseReport(message(daemon, body))?.type).toBe('delivery-status')
    const raw = message({ ...person, Subject: 'Re: Your order', 'Auto-Submitted': 'no' }, away)
    expect(parseReport(raw)?.type).toBe('unrecognized')
  })
})
