export type ImportPace = {
  /** How many rows the next batch may have. */
  size: () => number
  /** What the size is judged by. */
  timed<T>(work: () => Promise<T>): Promise<T>
}

const maxRows = 5_000
const minRows = 500
/** Well below the deadline of a transaction, also when the next batch meets colder pages. */
const longMs = 1_500
const shortMs = 500

/** Batches as large as the database writes them in good time; begins with small ones. */
export function createImportPace(): ImportPace {
  let rows = 1_000
  return {
    size: () => rows,
    async timed(work) {
      const begin = performance.now()
      try {
        return await work()
      } finally {
        const took = performance.now() - begin
        if (took > longMs) rows = Math.max(minRows, rows >> 1)
        else if (took < shortMs) rows = Math.min(maxRows, rows * 2)
      }
    },
  }
}
