/**
 * The fields of a form, by lower-case name, whether it is multipart/form-data or urlencoded
 * (RFC 8058 section 3.2 allows both). The body tells which, because some clients get the content
 * type wrong or leave it out. Never throws.
 */
export function formFields(body: Buffer): Map<string, string> {
  const text = body.toString('utf8').trim()
  return text.startsWith('--') ? multipartFields(text) : urlencodedFields(text)
}

function urlencodedFields(text: string): Map<string, string> {
  const fields = [...new URLSearchParams(text)]
  return new Map(fields.map(([name, value]) => [name.trim().toLowerCase(), value.trim()]))
}

/** RFC 7578; the first line is the boundary. */
function multipartFields(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  const [boundary = ''] = text.split(/\r?\n/, 1)
  for (const part of text.split(boundary.trim())) {
    const found = /^(.*?)\r?\n\r?\n(.*)$/s.exec(part)
    const name = /^content-disposition:.*?;\s*name="?([^";\r\n]+)/im.exec(found?.[1] ?? '')?.[1]
    if (name !== undefined) fields.set(name.trim().toLowerCase(), found?.[2]?.trim() ?? '')
  }
  return fields
}
