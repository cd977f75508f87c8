import { createHash } from 'node:crypto'

const style = `
body { font: 1rem/1.5 system-ui, sans-serif; margin: 4rem auto; max-width: 32rem; padding: 0 1rem }
button { font: inherit; padding: .5rem 1.5rem }
`

/** For a Content-Security-Policy that allows our style and nothing else. */
export const styleSource = `'sha256-${createHash('sha256').update(style).digest('base64')}'`

/** A piece of HTML: every value that is put in is escaped. */
export function html(texts: TemplateStringsArray, ...values: readonly string[]): string {
  return texts.reduce((done, text, index) => done + escapeHtml(values[index - 1] ?? '') + text)
}

/** A whole page around a body that is HTML already: no script, nothing to load. */
export function htmlPage(title: string, body: string): string {
  const head = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>`
  return `${head}\n<style>${style}</style>\n</head>\n<body>\n${body}\n</body>\n</html>\n`
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
