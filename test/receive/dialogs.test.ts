import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openDoor } from './door.ts'

const folder = new URL('dialogs/', import.meta.url)

/**
 * `c:` the client sends a line, `s:` the server answers with exactly this line (`s: 250-*`: with any
 * lines of one reply), `closed`: and closes the connection.
 */
for (const name of readdirSync(folder)) {
  test(`dialog ${name}`, async () => {
    const door = await openDoor({ lmtp: name.startsWith('lmtp') })
    const client = await door.connect({ greet: false })
    const heard = client.greeting.text.split('\n')

    for (const line of readFileSync(new URL(name, folder), 'utf8').split('\n')) {
      const [, side, text = ''] = /^([cs]): (.*)$/.exec(line) ?? []
      if (side === 'c') {
        expect(heard, 'no answer is left over').toEqual([])
        client.write(`${text}\r\n`)
      }
      if (side === 's') {
        if (heard.length === 0) heard.push(...(await client.reply()).text.split('\n'))
        if (text === '250-*') heard.length = 0
        else expect(heard.shift()).toBe(text)
      }
      if (line === 'closed') await client.closed
    }
    expect(heard, 'no answer is left over').toEqual([])
  })
}
