import { z } from 'zod'

type Step = string | number

const steps = z.array(z.union([z.string().refine((text) => !text.includes('\0')), z.int()]))

/** Opaque for clients: the sort key of the last row of a page. */
export function writeCursor(position: readonly Step[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** `null` when it is none of ours. */
export function readCursor(cursor: string): Step[] | null {
  try {
    const read = steps.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    return read.success ? read.data : null
  } catch {
    return null
  }
}

/** RFC 8288: the same query once more, from `cursor` on. Bodies of the v3 API have no room for it. */
export function nextPageLink(
  path: string,
  query: Readonly<Record<string, Step | undefined>>,
  cursor: string,
): { Link: string } {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  const parameters = [...given, ['cursor', cursor]]
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join('&')
  return { Link: `</v3${path}?${parameters}>; rel="next"` }
}
