import { Resolver } from 'node:dns/promises'

/** The TXT records at a name, each as one text. */
export type TxtAnswer =
  | { result: 'found'; texts: readonly string[] }
  | { result: 'absent' }
  /** Nobody answered in time: ask again later. */
  | { result: 'failed' }

/** Never rejects. */
export type ResolveTxt = (name: string) => Promise<TxtAnswer>

const timeoutMs = 2_000

/** Asks these servers (`address` or `address:port`), or those of the machine when there are none. */
export function createTxtResolver(servers: readonly string[]): ResolveTxt {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 })
  if (servers.length > 0) resolver.setServers(servers)
  return async (name) => {
    try {
      const records = await withinTimeout(resolver.resolveTxt(name))
      return { result: 'found', texts: records.map((strings) => strings.join('')) }
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null
      return { result: code === 'ENOTFOUND' || code === 'ENODATA' ? 'absent' : 'failed' }
    }
  }
}

/** Of several servers the library asks each for as long. */
async function withinTimeout<Answer>(answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), timeoutMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

const keptMs = { found: 600_000, absent: 60_000, failed: 5_000 } as const
const maxKept = 1_000
/** Whoever makes up names by the thousand does not get them all asked for. */
const maxAsking = 50

/** Answers from memory for a while; several who ask for one name at once share the answer. */
export function rememberAnswers(
  resolve: ResolveTxt,
  nowMs: () => number = () => performance.now(),
): ResolveTxt {
  const kept = new Map<string, { answer: TxtAnswer; until: number }>()
  const asking = new Map<string, Promise<TxtAnswer>>()

  async function ask(name: string): Promise<TxtAnswer> {
    const answer = await resolve(name).catch((): TxtAnswer => ({ result: 'failed' }))
    asking.delete(name)
    kept.delete(name)
    kept.set(name, { answer, until: nowMs() + keptMs[answer.result] })
    const [oldest] = kept.keys()
    if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest)
    return answer
  }

  return async (name) => {
    const known = kept.get(name)
    if (known && known.until > nowMs()) return known.answer
    const underWay = asking.get(name)
    if (underWay !== undefined) return await underWay
    if (asking.size >= maxAsking) return { result: 'failed' }
    const answer = ask(name)
    asking.set(name, answer)
    return answer
  }
}
