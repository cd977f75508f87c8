import type { Keyring } from '../../attribute/keyring.ts'
import {
  maxGroupsToDisplay,
  openSealed,
  type SealedToken,
  sealToken,
} from '../../attribute/sealed-token.ts'
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
  /** The one that opens the page of preferences of the same recipient. */
  preferencesToken: string
}

/** `null` for whatever is no token of ours. Throws a RateLimitError to whoever guesses. */
export type OpenToken = (text: string, remoteAddress: string) => Promise<OpenedToken | null>

/**
 * Providers send many clicks from few addresses, so that genuine tokens are never held up: only a
 * key that nobody has shown yet is not looked up for an address that has failed too often.
 */
export function createOpenToken(keyring: Keyring, erasure: Erasure): OpenToken {
  const seen = new Set<number>()
  const failures = createFailureLimiter(() => performance.now())

  async function findKey(id: number, remoteAddress: string): Promise<SigningKey | null> {
    const waitMs = seen.has(id) ? 0 : failures.waitMs(remoteAddress)
    if (waitMs > 0) throw new RateLimitError(waitMs)
    const key = await keyring.byId(id)
    if (key !== null) seen.add(id)
    return key
  }

  return async (text, remoteAddress) => {
    const keys: (SigningKey | null)[] = []
    const token = await openSealed(text, async (id) => {
      const key = await findKey(id, remoteAddress)
      keys.push(key)
      return key
    })
    const [key] = keys
    if (token === null || !key) {
      failures.failed(remoteAddress)
      return null
    }
    const isPreferences = token.purpose === 'preferences'
    const preferencesToken = isPreferences ? text : preferencesTokenOf(key, token)
    const [recipient = token.recipient] = await erasure.storedForms(token.tenantId, [
      token.recipient,
    ])
    const maskedAddress = maskAddress(token.recipient)
    return { token: { ...token, recipient }, maskedAddress, preferencesToken }
  }
}

/** Under the key of the token that was shown: it is worth no more than that one. */
function preferencesTokenOf(key: SigningKey, token: SealedToken): string {
  const groupsToDisplay = token.groupsToDisplay.slice(0, maxGroupsToDisplay)
  return sealToken(key, { ...token, groupsToDisplay, purpose: 'preferences' })
}
