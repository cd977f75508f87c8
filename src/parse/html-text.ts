/**
 * The text of an HTML document, one line for each block, without markup, scripts and styles.
 * One walk over at most `maxLength` characters, whatever the nesting.
 */
export function htmlToText(html: string, maxLength: number): string {
  const source = html.slice(0, maxLength)
  let text = ''
  let position = 0
  while (position < source.length) {
    const open = source.indexOf('<', position)
    if (open < 0) break
    text += plainText(source.slice(position, open))
    const next = source[open + 1] ?? ''
    if (!/[a-z/!?]/i.test(next)) {
      text += '<'
      position = open + 1
      continue
    }
    const name = tagName.exec(source.slice(open + 1, open + 20))?.[0].toLowerCase() ?? ''
    if (newLine.has(name.replace('/', ''))) text += '\n'
    position = afterTag(source, open, name)
  }
  if (position < source.length) text += plainText(source.slice(position))
  return decodeEntities(text).replace(/[ \t]+\n/g, '\n')
}

const tagName = /^\/?[a-z0-9]{1,16}/i
const newLine: ReadonlySet<string> = new Set(
  'address article blockquote br center dd div dl dt footer form h1 h2 h3 h4 h5 h6 header hr li ol p pre section table td th title tr ul'.split(
    ' ',
  ),
)

function afterTag(source: string, open: number, name: string): number {
  if (source.startsWith('<!--', open)) {
    const end = source.indexOf('-->', open)
    return end < 0 ? source.length : end + 3
  }
  if (name === 'script' || name === 'style') {
    const end = source.indexOf(`</${name}`, open + 1)
    return end < 0 ? source.length : end
  }
  const end = source.indexOf('>', open)
  return end < 0 ? source.length : end + 1
}

/** White space is one blank in HTML. */
function plainText(text: string): string {
  return text.replace(/[\s\u00a0]+/g, ' ')
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  apos: "'",
  gt: '>',
  lt: '<',
  nbsp: ' ',
  quot: '"',
}

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi,
    (whole, decimal, hex, name) => {
      if (name !== undefined) return entities[String(name).toLowerCase()] ?? whole
      const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
      const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
      return isCharacter ? String.fromCodePoint(code) : ' '
    },
  )
}
