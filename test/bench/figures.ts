/** Interleaved rounds on one machine: only their ratios say something elsewhere. */
export type Round = Record<string, number>

/** The middle value; of an even number of values the lower one. */
export function median(values: readonly number[]): number {
  const ordered = [...values].sort((a, b) => a - b)
  return ordered[(ordered.length - 1) >> 1] ?? Number.NaN
}

/** A line for each contender: median, lowest and highest of the rounds, ratio to `base`. */
export function printRounds(unit: string, rounds: readonly Round[], base: string): void {
  const names = Object.keys(rounds[0] ?? {})
  const of = (name: string) => rounds.map((round) => round[name] ?? Number.NaN)
  const baseline = median(of(base))
  for (const name of names) {
    const values = of(name)
    const [low, high] = [Math.min(...values), Math.max(...values)]
    const figures = [median(values), low, high].map((value) =>
      Math.round(value).toLocaleString('en'),
    )
    const ratio = (median(values) / baseline).toFixed(2)
    console.log(
      `${name.padEnd(36)} ${figures[0]?.padStart(9)} ${unit}  (${figures[1]} to ${figures[2]})  × ${ratio} of ${base}`,
    )
  }
}
