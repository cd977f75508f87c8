import type { Address } from '../support/daemon.ts'
import { connectSmtp, type SmtpClient } from '../support/smtp-client.ts'
import { deliveryStatus } from './mail.ts'

export type Load = {
  /** Recipients of the reports that were answered with 250, in the order of the replies. */
  acknowledged: string[]
  /** Recipients of all reports that were begun. */
  sent: string[]
  /** Every reply but 250. */
  refused: string[]
  /** Resolves when `count` more were acknowledged. */
  more(count: number): Promise<void>
  /** Begins no further message; resolves when all clients have their last reply or were cut off. */
  end(): Promise<void>
}

/** Clients that send one bounce after the other, each with a recipient of its own. */
export function startLoad(
  { smtp }: { smtp: Address },
  { rcptTo, clients, name }: { rcptTo: string; clients: number; name: string },
): Load {
  const load = { acknowledged: [] as string[], sent: [] as string[], refused: [] as string[] }
  const waiting: { count: number; resolve: () => void }[] = []
  let isEnding = false

  async function run(number: number): Promise<void> {
    const client = await connectSmtp(smtp).catch(() => null)
    if (client === null) return
    try {
      await client.command('EHLO client.example')
      for (let index = 0; !isEnding; index++) {
        if (!(await sendOne(client, `${name}-${number}-${index}@customer.example`))) return
      }
    } catch {
      // Cut off: nothing was acknowledged.
    } finally {
      await client.close()
    }
  }

  /** Whether the connection is good for another one. */
  async function sendOne(client: SmtpClient, recipient: string): Promise<boolean> {
    load.sent.push(recipient)
    const data = deliveryStatus([{ address: recipient }])
    const reply = await client.sendMessage({ mailFrom: '', rcptTo: [rcptTo], data })
    if (reply.code !== 250) load.refused.push(reply.text)
    else load.acknowledged.push(recipient)
    for (const { count, resolve } of waiting) if (load.acknowledged.length >= count) resolve()
    return reply.code === 250
  }

  const running = Promise.all(Array.from({ length: clients }, (_, number) => run(number)))
  return {
    ...load,
    more: (count) => {
      const wanted = load.acknowledged.length + count
      const reached = new Promise<void>((resolve) => waiting.push({ count: wanted, resolve }))
      return Promise.race([
        reached,
        running.then(() => {
          throw new Error(`the load came to its end: ${load.refused.join(' | ')}`)
        }),
      ])
    },
    end: async () => {
      isEnding = true
      await running
    },
  }
}
