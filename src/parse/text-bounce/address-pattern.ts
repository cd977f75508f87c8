const outside = String.raw`\s<>()[\]"',;:@“”«»、。，；：（）《》「」`

/** The source of a pattern that finds an address within a text of any language; no groups. */
export const addressPattern = String.raw`(?:"[^"\n@]{1,80}"|[^${outside}]{1,128})@[^${outside}]{1,200}[^${outside}.]`

/** The addresses that stand at the head of `text` as a list goes on: `, b@example.com; c@…`. */
export function listedAddresses(text: string): string[] {
  const found: string[] = []
  for (let rest = text; found.length < maxListed; ) {
    const match = next.exec(rest)
    if (match?.[1] === undefined) return found
    found.push(match[1])
    rest = rest.slice(match[0].length)
  }
  return found
}

/** Every address in the text, each once. */
export function allAddresses(text: string): string[] {
  const found = new Set<string>()
  for (const match of text.matchAll(anywhere)) {
    found.add(match[0])
    if (found.size >= maxListed) break
  }
  return [...found]
}

const maxListed = 200
const next = new RegExp(
  `^[>"']{0,2}\\s{0,4}(?:[,;]|and|und|et|y|e)\\s{1,8}[<"']{0,2}(${addressPattern})`,
)
const anywhere = new RegExp(addressPattern, 'g')
