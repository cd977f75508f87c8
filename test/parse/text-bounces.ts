/** A bounce written for people, and what must be read from it. */
export type TextBounceRow = {
  name: string
  format: string
  headers?: Record<string, string>
  body: string
  /** address, then what else must stand in the report. */
  recipients: [address: string, expected: Record<string, unknown>][]
}

/** The mail that came back, as such bounces quote it. */
export const quoted = `Return-Path: <bounces@sender.example>
Received: from out.sender.example by mx.example.net; Mon, 2 Nov 2026 10:00:00 +0000
Message-ID: <mail-1@sender.example>
From: Shop <shop@sender.example>
To: written-to@example.com
Subject: Your order

Ask <decoy@example.com> or
<other-decoy@example.com>: 550 5.1.1 User unknown
`
