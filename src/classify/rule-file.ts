import { z } from 'zod'
import { bounceReasons } from '../feedback/reason.ts'
import { smtpCommands } from '../feedback/smtp-command.ts'
import { parseStatusRange } from './status-range.ts'

const statusSchema = z.string().transform((text, context) => {
  const range = parseStatusRange(text)
  if (range) return range
  context.addIssue('must read like 5.1.1, x.1.1, x.7.500-599 or x.1.x')
  return z.NEVER
})

const ruleSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'must be lower-case words joined by -'),
    text: z.string().min(3).nullable().default(null),
    provider: z
      .array(z.string().regex(/^[a-z0-9.-]+$/))
      .min(1)
      .nullable()
      .default(null),
    status: z.array(statusSchema).min(1).nullable().default(null),
    command: z.array(z.enum(smtpCommands)).min(1).nullable().default(null),
    replyCode: z.array(z.int().min(400).max(599)).min(1).nullable().default(null),
    bounceClass: z.enum(['hard', 'soft', 'block']),
    reason: z.enum(bounceReasons, { error: 'must be a reason of docs/classification.md' }),
    example: z.string().min(3),
    source: z.string().min(3),
  })
  .refine((rule) => rule.text !== null || rule.status !== null || rule.replyCode !== null, {
    error: 'must match something: give it a text, a status or a replyCode',
  })

const fileSchema = z.strictObject({ about: z.string(), rules: z.array(z.unknown()) })

/** One entry of a file of rules: see docs/classification.md. */
export type Rule = z.infer<typeof ruleSchema> & {
  /** The file it stands in. */
  file: string
}

/** Reads the text of one file; what is wrong with it goes to `problems`, one line each. */
export function readRuleFile(file: string, text: string, problems: string[]): Rule[] {
  const content = fileSchema.safeParse(parseJson(file, text, problems))
  if (!content.success) {
    problems.push(`${file}: must be {"about": "…", "rules": [ … ]}`)
    return []
  }
  const rules: Rule[] = []
  for (const [position, entry] of content.data.rules.entries()) {
    const rule = ruleSchema.safeParse(entry)
    if (rule.success) {
      rules.push({ ...rule.data, file })
      continue
    }
    const name = nameOf(entry) ?? `rule ${position + 1}`
    for (const issue of rule.error.issues) {
      problems.push(`${file}: ${name}: ${[...issue.path, issue.message].join(': ')}`)
    }
  }
  return rules
}

function parseJson(file: string, text: string, problems: string[]): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    problems.push(`${file}: is not JSON: ${error instanceof Error ? error.message : error}`)
    return null
  }
}

function nameOf(entry: unknown): string | null {
  const named = z.looseObject({ name: z.string() }).safeParse(entry)
  return named.success ? named.data.name : null
}
