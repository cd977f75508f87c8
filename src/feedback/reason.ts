/**
 * Why a message did not arrive: the one vocabulary of rules, records and answers. What each word
 * means, and its SendGrid, SES and Sisimai equivalents: docs/classification.md.
 */
export const bounceReasons = [
  'user-unknown',
  'mailbox-disabled',
  'user-moved',
  'invalid-address',
  'domain-not-found',
  'domain-without-mail',
  'mailbox-full',
  'mailbox-unavailable',
  'mailbox-busy',
  'message-too-large',
  'too-many-recipients',
  'greylisted',
  'timeout',
  'connection',
  'dns-failure',
  'routing',
  'server-error',
  'protocol',
  'not-supported',
  'ip-reputation',
  'domain-reputation',
  'content',
  'virus',
  'authentication',
  'sender-rejected',
  'reverse-dns',
  'rate-limited',
  'relay-denied',
  'restricted-recipient',
  'encryption',
  'message-format',
  'policy',
  'unknown',
] as const

export type BounceReason = (typeof bounceReasons)[number]
