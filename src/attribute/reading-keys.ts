import type { Log } from '../log.ts'
import type { Keyring } from './keyring.ts'

const pauseMs = 60_000

/** Links under a key that another process made are not to wait while somebody guesses keys. */
export function startReadingKeys(keyring: Keyring, log: Log): { close(): Promise<void> } {
  let reading = Promise.resolve()
  const timer = setInterval(() => {
    reading = keyring.load().catch((err) => log.warn({ err }, 'signing keys could not be read'))
  }, pauseMs)
  return {
    close: async () => {
      clearInterval(timer)
      await reading
    },
  }
}
