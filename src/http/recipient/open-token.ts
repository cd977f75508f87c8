import type { Keyring } from '../../attribute/keyring.ts'
import { openSealed, type SealedToken } from '../../attribute/sealed-token.ts'
import type { SigningKey } from '../../attribute/signing-key.ts'
import { maskAddress } from '../../feedback/address.ts'
import type { Erasure } from '../../suppression/erased.ts'
import { RateLimitError } from '../errors.ts'
import { createFailureLimiter } from '../failure-limiter.ts'

export type OpenedToken = {
  /** Of a person who was erased with the name that stands for the address. */
  token: SealedToken
  /** Links in mail get forwarded: pages show no more of the address. */
  maskedAddress: string
}

/** `null` for whatever is no token of ours. Throws a RateLimitError to whoever guesses keys. */
export type OpenToken = (text: string, remoteAddress: string) => Promise<OpenedToken | null>

/**
 * Providers send many clicks from few addresses, and a proxy makes one address of everybody: so only
 * those wait whose token names a key that the database would have to be asked for.
 */
export function createOpenToken(keyring: Keyring, erasure: Erasure): OpenToken {
  const failures = createFailureLimiter(() => performance.now())

  async function findKey(id: number, remoteAddress: string): Promise<SigningKey | null> {
    const known = keyring.known(id)
    if (known !== null) return known
    const waitMs = failures.waitMs(remoteAddress)
    if (waitMs > 0) throw new RateLimitError(waitMs)
    const found = await keyring.byId(id)
    if (found === null) failures.failed(remoteAddress)
    return found
  }

  return async (text, remoteAddress) => {
    const token = await openSealed(text, (id) => findKey(id, remoteAddress))
    if (token === null) return null
    const [recipient = token.recipient] = await erasure.storedForms(token.tenantId, [
      token.recipient,
    ])
    return { token: { ...token, recipient }, maskedAddress: maskAddress(token.recipient) }
  }
}
