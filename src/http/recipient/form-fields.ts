/**
 * The fields of a form, by lower-case name, whether it is multipart/form-data or urlencoded
 * (RFC 8058 section 3.2 allows both). The body tells which, because some clients get the content
 * type wrong or leave it out. Never throws.
 */
export function formFields(body: Buffer): URLSearchParams {
  const text = body.toString('utf8').trim()
  const fields = new URLSearchParams()
  for (const [name, value] of text.startsWith('--')
    ? multipartFields(text)
    : new URLSearchParams(text)) {
    fields.append(name.trim().toLowerCase(), value.trim())
  }
  return fields
}

/** RFC 7578; the first line is the boundary. */
function* multipartFields(text: string): Generator<[name: string, value: string]> {
  const [boundary = ''] = text.split(/\r?\n/, 1)
  for (const part of text.split(boundary.trim())) {
    const found = /^(.*?)\r?\n\r?\n(.*)$/s.exec(part)
    const name = /^content-disposition:.*?;\s*name="?([^";\r\n]+)/im.exec(found?.[1] ?? '')?.[1]
    if (name !== undefined) yield [name, found?.[2] ?? '']
  }
}
