/** How many bytes of mail may be in memory at once, over all connections. */
export type ByteBudget = {
  fits(bytes: number): boolean
  lease(): ByteLease
}

/** The share of one message. */
export type ByteLease = {
  /** False when the bytes do not fit; then they were not taken. */
  take(bytes: number): boolean
  /** Gives everything back; harmless when repeated. */
  release(): void
}

export function createByteBudget(maxBytes: number): ByteBudget {
  let taken = 0
  const fits = (bytes: number) => taken + bytes <= maxBytes
  return {
    fits,
    lease() {
      let held = 0
      return {
        take(bytes) {
          if (!fits(bytes)) return false
          taken += bytes
          held += bytes
          return true
        },
        release() {
          taken -= held
          held = 0
        },
      }
    },
  }
}
