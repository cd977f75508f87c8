import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLiteralIndex, type LiteralIndex } from './literal-index.ts'
import { createOwnPatterns, type OwnPatterns } from './own-patterns.ts'
import { compilePattern, type Pattern } from './pattern.ts'
import { readDiagnosis, readReply } from './reading.ts'
import { type Rule, readRuleFile } from './rule-file.ts'

export type Rules = {
  /** The operator's, tried before all others. */
  own: { rules: readonly Rule[]; patterns: OwnPatterns }
  /** Rules with a text, in order. */
  texts: { rules: readonly Rule[]; patterns: readonly Pattern[]; candidates: LiteralIndex }
  /** Rules that read nothing but codes, in order. */
  codes: readonly Rule[]
}

/** The files of rules cannot be used. `problems`: one line each, with file, rule and what to do. */
export class RulesError extends Error {
  override name = 'RulesError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The bounce rules cannot be used:\n${problems.join('\n')}`)
    this.problems = problems
  }
}

/**
 * Reads every *.json of `directory` in the order of the file names, and the operator's own rules
 * from `ownDirectory`, which may use the whole syntax of RE2.
 * Throws a `RulesError` that lists everything that is wrong in all files.
 */
export function loadRules(directory: string, ownDirectory: string | null = null): Rules {
  const problems: string[] = []
  const builtIn = readDirectory(directory, problems)
  const own = ownDirectory === null ? [] : readDirectory(ownDirectory, problems)
  reportDoubles([...own, ...builtIn], problems)
  const texts = builtIn.filter((rule) => rule.text !== null)
  const patterns = texts.map((rule) => compile(rule, problems))
  const ownPatterns = createOwnPatterns(own, problems)
  if (problems.length > 0) throw new RulesError(problems)
  return {
    own: { rules: own, patterns: ownPatterns },
    texts: {
      rules: texts,
      patterns,
      candidates: createLiteralIndex(
        patterns.map((pattern) => pattern.literals),
        texts.map((rule) => exampleText(rule)),
      ),
    },
    codes: builtIn.filter((rule) => rule.text === null),
  }
}

function readDirectory(directory: string, problems: string[]): Rule[] {
  const files = findFiles(directory, problems)
  if (files.length === 0) problems.push(`${directory}: holds no *.json`)
  return files.flatMap((file) => {
    const path = join(directory, file)
    return readRuleFile(path, readFileSync(path, 'utf8'), problems)
  })
}

function findFiles(directory: string, problems: string[]): string[] {
  try {
    return readdirSync(directory)
      .filter((file) => file.endsWith('.json'))
      .sort()
  } catch (error) {
    problems.push(`${directory}: ${error instanceof Error ? error.message : error}`)
    return []
  }
}

function reportDoubles(rules: readonly Rule[], problems: string[]): void {
  const fileOf = new Map<string, string>()
  for (const { name, file } of rules) {
    const other = fileOf.get(name)
    if (other !== undefined) problems.push(`${file}: ${name}: the name is taken in ${other}`)
    fileOf.set(name, file)
  }
}

const neverUsed: Pattern = { expression: /(?!)/, literals: [] }

function compile(rule: Rule, problems: string[]): Pattern {
  try {
    return compilePattern(rule.text ?? '')
  } catch (error) {
    problems.push(
      `${rule.file}: ${rule.name}: text ${error instanceof Error ? error.message : error}`,
    )
    return neverUsed
  }
}

function exampleText(rule: Rule): string {
  return readDiagnosis(readReply(rule.example)).text
}
