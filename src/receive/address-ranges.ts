import ipaddr from 'ipaddr.js'

/** A set of IP addresses. */
export type AddressRanges = { includes(address: string): boolean }

/**
 * Reads addresses and CIDR ranges, such as `127.0.0.0/8` or `::1`.
 * Throws an Error that names the first text that is neither.
 */
export function parseAddressRanges(texts: readonly string[]): AddressRanges {
  const ranges = texts.map(parseRange)
  return {
    includes(text) {
      const address = parseAddress(text)
      if (address === null) return false
      return ranges.some(
        ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
      )
    },
  }
}

/** What counts as one client: an IPv4 address, or an IPv6 /64, which one customer has as a whole. */
export function addressGroup(text: string): string {
  const address = parseAddress(text)
  if (address === null || address.kind() === 'ipv4') return address?.toString() ?? text
  return ipaddr
    .fromByteArray([...address.toByteArray().slice(0, 8), ...Array(8).fill(0)])
    .toString()
}

function parseRange(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const trimmed = text.trim()
  if (ipaddr.isValidCIDR(trimmed)) return ipaddr.parseCIDR(trimmed)
  const address = parseAddress(trimmed)
  if (address === null) throw new Error(`not an IP address or CIDR range: ${text}`)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) counts as IPv4. */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  return ipaddr.isValid(text) ? ipaddr.process(text) : null
}
