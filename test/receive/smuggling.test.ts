import { expect, test } from 'vitest'
import { openDoor } from './door.ts'

/** Ends of data that one server or another takes for one; only the last holds a real one. */
const ends = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r\n.\r',
  '\r.\r\n',
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
  '\r\n.\r\r\n',
  '\r\r\n.\r\n',
]

const smuggled =
  'MAIL FROM:<evil@evil.example>\r\nRCPT TO:<bounces@own.example>\r\nDATA\r\nSubject: smuggled\r\n\r\n'

for (const end of ends) {
  for (const pace of ['whole', 'byte by byte'] as const) {
    test(`${JSON.stringify(end)}, ${pace}`, async () => {
      const isRealEnd = end.endsWith('\r\n.\r\n')
      const door = await openDoor()
      const client = await door.connect()
      await client.command('MAIL FROM:<>')
      await client.command('RCPT TO:<bounces@own.example>')
      await client.command('DATA')

      const text = `Subject: x\r\n\r\nbody${end}${isRealEnd ? '' : smuggled}`
      const data = Buffer.from(isRealEnd ? text : `${text}\r\n.\r\n`)
      if (pace === 'whole') client.write(data)
      else for (const byte of data) await client.writeAlone(Buffer.of(byte))

      expect((await client.reply()).code).toBe(250)
      expect((await client.command('NOOP')).text).toBe('250 2.0.0 OK')
      expect(door.messages).toHaveLength(1)
      expect(door.messages[0]?.raw.toString()).toBe(
        isRealEnd ? 'Subject: x\r\n\r\nbody\r\r\n' : unstuffed(text),
      )
    })
  }
}

/** The dot after a bare LF counts as stuffing when another follows; a single one stays. */
function unstuffed(text: string): string {
  return `${text}\r\n`
}
