import { terminalJson, terminalText } from './terminal-text.ts'

/** Lines that come one after the other, as long as anybody reads them. */
export type LineOutput = {
  /** One JSON object, or the line for people. Resolves when there is room for more. */
  write(value: unknown, text: string): Promise<void>
}

/** A reader that goes away, as `head` does, ends nothing but the output. */
export function createLineOutput(asJson: boolean): LineOutput {
  let isRead = true
  return {
    write: (value, text) =>
      new Promise((resolve, reject) => {
        if (!isRead) return resolve()
        const line = asJson ? terminalJson(value) : terminalText(text)
        process.stdout.write(`${line}\n`, (error) => {
          if (error && 'code' in error && error.code === 'EPIPE') isRead = false
          else if (error) return reject(error)
          resolve()
        })
      }),
  }
}
