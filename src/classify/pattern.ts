/**
 * The patterns of the built-in rules: a small part of the regular expression syntax, chosen so
 * that V8's backtracking matcher cannot be made slow and so that an index can be built.
 *
 * Allowed: characters and escaped punctuation, `.`, `\d`, `\w`, `\W`, `\b`, `^`, `$`, classes,
 * `(?:…|…)`, and the bounded quantifiers `?` and `{m,n}`, the latter on a single character only.
 * Not allowed: `*`, `+`, `{m,}`, captures, references, lookaround, upper-case letters (the text is
 * lower-case) and quantified groups other than `(?:…)?`.
 *
 * What that guarantees: there is no unbounded repetition, so from one position of the text a
 * matcher can try at most `ways` different paths, each at most as long as the pattern's longest
 * match. `ways` is capped, so the whole match is linear in the length of the text, and the text is
 * cut to 2 KiB before.
 */
type Node =
  | { kind: 'character'; text: string }
  | { kind: 'anyOf' }
  | { kind: 'edge' }
  | { kind: 'sequence'; items: Node[] }
  | { kind: 'choice'; branches: Node[] }
  | { kind: 'repeat'; item: Node; least: number; most: number }

export type Pattern = {
  expression: RegExp
  /** Every match contains one of these; empty when nothing is known. */
  literals: readonly string[]
}

const maxWays = 20_000
const maxRepeat = 100

/** Compiles a pattern of the restricted syntax. Throws a `SyntaxError` that says what to change. */
export function compilePattern(source: string): Pattern {
  const tree = parsePattern(source)
  const ways = waysThrough(tree)
  if (ways > maxWays) {
    throw new SyntaxError(
      `can be tried in ${ways} ways from one position, more than ${maxWays}: use fewer or shorter gaps`,
    )
  }
  return { expression: new RegExp(source), literals: requiredLiterals(tree) ?? [] }
}

function parsePattern(source: string): Node {
  if (/(?<!\\)[A-Z]/.test(source)) throw new SyntaxError('must be lower-case, as the text is')
  const reader = { source, at: 0 }
  const tree = readChoice(reader)
  if (reader.at < source.length) throw new SyntaxError(`has a ")" too many at ${reader.at}`)
  return tree
}

type Reader = { source: string; at: number }

function readChoice(reader: Reader): Node {
  const branches = [readSequence(reader)]
  while (reader.source[reader.at] === '|') {
    reader.at++
    branches.push(readSequence(reader))
  }
  const [only] = branches
  return branches.length === 1 && only ? only : { kind: 'choice', branches }
}

function readSequence(reader: Reader): Node {
  const items: Node[] = []
  for (;;) {
    const next = reader.source[reader.at]
    if (next === undefined || next === '|' || next === ')') return { kind: 'sequence', items }
    items.push(readRepeat(reader, readAtom(reader)))
  }
}

const escapedPunctuation = /^[.*+?^$|()[\]{}\\/"'#-]$/

function readAtom(reader: Reader): Node {
  const character = reader.source[reader.at] ?? ''
  reader.at++
  if (character === '(') return readGroup(reader)
  if (character === '[') return readClass(reader)
  if (character === '.') return { kind: 'anyOf' }
  if (character === '^' || character === '$') return { kind: 'edge' }
  if ('*+?{}]'.includes(character)) {
    throw new SyntaxError(`has a bare "${character}" at ${reader.at - 1}: only ? and {m,n} repeat`)
  }
  if (character !== '\\') return { kind: 'character', text: character }
  const escaped = reader.source[reader.at] ?? ''
  reader.at++
  if (escaped === 'b') return { kind: 'edge' }
  if (escaped === 'd' || escaped === 'w' || escaped === 'W') return { kind: 'anyOf' }
  if (!escapedPunctuation.test(escaped)) throw new SyntaxError(`does not allow \\${escaped}`)
  return { kind: 'character', text: escaped }
}

function readGroup(reader: Reader): Node {
  if (!reader.source.startsWith('?:', reader.at)) {
    throw new SyntaxError(`has a group at ${reader.at - 1} that is not (?:…)`)
  }
  reader.at += 2
  const content = readChoice(reader)
  if (reader.source[reader.at] !== ')') throw new SyntaxError('has a group without end')
  reader.at++
  return content
}

const characterClass = /\[\^?(?:[^\\[\]]|\\[dw.*+?^$|()[\]{}\\/-])+\]/y

function readClass(reader: Reader): Node {
  characterClass.lastIndex = reader.at - 1
  const found = characterClass.exec(reader.source)
  if (!found) throw new SyntaxError(`has a character class at ${reader.at - 1} that is not allowed`)
  reader.at = characterClass.lastIndex
  return { kind: 'anyOf' }
}

const bounds = /\{(\d{1,3})(?:,(\d{1,3}))?\}/y

function readRepeat(reader: Reader, item: Node): Node {
  if (reader.source[reader.at] === '?') {
    reader.at++
    return { kind: 'repeat', item, least: 0, most: 1 }
  }
  bounds.lastIndex = reader.at
  const found = bounds.exec(reader.source)
  if (!found) return item
  reader.at = bounds.lastIndex
  const least = Number(found[1])
  const most = Number(found[2] ?? found[1])
  if (item.kind !== 'character' && item.kind !== 'anyOf') {
    throw new SyntaxError('repeats a group: only single characters may have {m,n}')
  }
  if (most > maxRepeat || least > most)
    throw new SyntaxError(`repeats more than ${maxRepeat} times`)
  return { kind: 'repeat', item, least, most }
}

/** In how many ways a matcher can walk the pattern from one position of a text. */
function waysThrough(node: Node): number {
  switch (node.kind) {
    case 'character':
    case 'anyOf':
    case 'edge':
      return 1
    case 'sequence':
      return node.items.reduce((product, item) => product * waysThrough(item), 1)
    case 'choice':
      return waysThroughChoice(node.branches)
    case 'repeat':
      return node.most - node.least + waysThrough(node.item)
  }
}

/** Branches that begin with different characters exclude each other; the others add up. */
function waysThroughChoice(branches: readonly Node[]): number {
  const waysFrom = new Map<string, number>()
  let anywhere = 0
  for (const branch of branches) {
    const ways = waysThrough(branch)
    const beginnings = firstCharacters(branch)
    if (beginnings === null) anywhere += ways
    else for (const first of beginnings) waysFrom.set(first, (waysFrom.get(first) ?? 0) + ways)
  }
  return anywhere + Math.max(0, ...waysFrom.values())
}

/** With which characters a match can begin; `null` when with any. */
function firstCharacters(node: Node): Set<string> | null {
  switch (node.kind) {
    case 'anyOf':
    case 'edge':
      return null
    case 'character':
      return new Set(node.text)
    case 'repeat':
      return firstCharacters(node.item)
    case 'choice':
      return union(node.branches.map(firstCharacters))
    case 'sequence': {
      const until = node.items.findIndex((item) => item.kind !== 'edge' && !isOptional(item))
      const leading = node.items.slice(0, until + 1).filter((item) => item.kind !== 'edge')
      return until < 0 ? null : union(leading.map(firstCharacters))
    }
  }
}

function isOptional(node: Node): boolean {
  switch (node.kind) {
    case 'anyOf':
    case 'character':
      return false
    case 'edge':
      return true
    case 'repeat':
      return node.least === 0 || isOptional(node.item)
    case 'choice':
      return node.branches.some(isOptional)
    case 'sequence':
      return node.items.every(isOptional)
  }
}

function union(sets: readonly (Set<string> | null)[]): Set<string> | null {
  const all = new Set<string>()
  for (const set of sets) {
    if (set === null) return null
    for (const character of set) all.add(character)
  }
  return all
}

/** The best set of literals of which every match contains one, or `null` when there is none. */
function requiredLiterals(node: Node): string[] | null {
  switch (node.kind) {
    case 'anyOf':
    case 'edge':
      return null
    case 'character':
      return [node.text]
    case 'repeat':
      return node.least === 0 ? null : requiredLiterals(node.item)
    case 'choice': {
      const sets = node.branches.map(requiredLiterals)
      return sets.some((set) => set === null) ? null : sets.flatMap((set) => set ?? [])
    }
    case 'sequence':
      return longestOf(node.items)
  }
}

/** Neighbouring characters form one literal; of the sets in a row, the one whose shortest is longest. */
function longestOf(items: readonly Node[]): string[] | null {
  let best: string[] | null = null
  let run = ''
  const offer = (set: string[] | null) => {
    if (set && shortest(set) > (best ? shortest(best) : 0)) best = set
  }
  for (const item of items) {
    if (item.kind === 'character') {
      run += item.text
      continue
    }
    if (item.kind === 'edge') continue
    offer(run === '' ? null : [run])
    run = ''
    offer(requiredLiterals(item))
  }
  offer(run === '' ? null : [run])
  return best
}

function shortest(set: readonly string[]): number {
  return Math.min(...set.map((literal) => literal.length))
}
