/** What may name a tenant, for whoever is told why a name may not. */
export const tenantNameRule = '1 to 100 letters, digits, spaces and . _ @ -'

export function isTenantName(text: string): boolean {
  return /^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,99}$/u.test(text)
}
