import { maxBoundaryLength } from './limits.ts'

/** RFC 2045 section 5.1: what a Content-Type field says, as far as we need it. */
export type MediaType = {
  /** Lower-case `type/subtype`. */
  readonly name: string
  readonly boundary: string | null
  readonly charset: string | null
  /** Lower-case. RFC 6522 section 3 */
  readonly reportType: string | null
}

/** Reads the value of a Content-Type field; commas and spaces for semicolons do. */
export function parseMediaType(value: string | null, defaultName: string): MediaType {
  if (value === null || value === '') return plain(defaultName)
  const name = typeName.exec(value)?.[0].replace(/\s/g, '').toLowerCase() ?? defaultName
  if (!value.includes('=')) return plain(name)
  const boundary = parameter(value, boundaryParameter)
  return {
    name,
    boundary: boundary === null ? null : boundary.slice(0, maxBoundaryLength).trimEnd(),
    charset: parameter(value, charsetParameter),
    reportType: parameter(value, reportTypeParameter)?.toLowerCase() ?? null,
  }
}

function plain(name: string): MediaType {
  return { name, boundary: null, charset: null, reportType: null }
}

const typeName = /^[\w.+-]{1,80}\s?\/\s?[\w.+-]{1,80}/
const boundaryParameter = /\bboundary\s{0,9}\*?=\s{0,9}(?:"([^"]{0,300})"?|([^\s;,"]{1,300}))/i
const charsetParameter = /\bcharset\s{0,9}\*?=\s{0,9}(?:"([^"]{0,80})"?|([^\s;,"]{1,80}))/i
const reportTypeParameter = /\breport-type\s{0,9}=\s{0,9}(?:"([^"]{0,80})"?|([^\s;,"]{1,80}))/i

function parameter(value: string, pattern: RegExp): string | null {
  const found = pattern.exec(value)
  return (found?.[1] ?? found?.[2])?.trim() || null
}
