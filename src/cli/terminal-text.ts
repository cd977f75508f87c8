/** Steers the terminal, is not seen, or turns the direction of what follows; lone surrogates, too. */
const unsafe = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu

/** What strangers wrote, on one line and without a way to do anything but stand there. */
export function terminalText(text: string): string {
  return text.replace(unsafe, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  })
}

/** The same of a text of several lines. */
export function terminalLines(text: string): string {
  return text
    .split(/\r\n|\n/)
    .map((line) => terminalText(line.replaceAll('\t', '    ')))
    .join('\n')
}

/** JSON for a terminal: whoever reads it as JSON reads the same. */
export function terminalJson(value: unknown): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replace(unsafe, (character) => {
    return character.split('').map(escaped).join('')
  })
}
