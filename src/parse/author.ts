import { addressesOf } from './address-list.ts'
import { field } from './header.ts'
import { readMessage } from './mime.ts'

/** Who say to have written a message (RFC 5322 section 3.6.2): it proves nothing. */
export function authorsOf(raw: Buffer): string[] {
  return addressesOf(field(readMessage(raw).header, 'from'))
}
