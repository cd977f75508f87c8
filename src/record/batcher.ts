/**
 * Natural batching: while one write runs, items collect; the next write takes them all. No timer:
 * under light load an item goes at once, under heavy load commits are shared.
 */
export type Batcher<Item, Result> = {
  /** Resolves when the write that took the item has been committed. */
  submit(item: Item): Promise<Result>
}

type Waiting<Item, Result> = {
  item: Item
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/**
 * `write` takes all items or none and answers in their order. When it fails and `isOfOneItem` says
 * that one of the items is the reason, the batch is halved until that item stands alone; then
 * `setAside` has it. Any other failure rejects the batch and all that waits: nothing is stored.
 */
export function createBatcher<Item, Result>(options: {
  write: (items: readonly Item[]) => Promise<readonly Result[]>
  isOfOneItem: (error: unknown) => boolean
  setAside: (item: Item, error: unknown) => Promise<Result>
  /** What an item costs to write, in any unit; a batch stays below `maxWeight` or has one item. */
  weightOf: (item: Item) => number
  maxWeight: number
  maxItems: number
  maxInFlight: number
}): Batcher<Item, Result> {
  const { write, isOfOneItem, setAside, weightOf, maxWeight, maxItems, maxInFlight } = options
  const waiting: Waiting<Item, Result>[] = []
  let running = 0

  function fill(): void {
    while (running < maxInFlight && waiting.length > 0) {
      const batch = waiting.splice(0, nextLength())
      running += 1
      void settle(batch).finally(() => {
        running -= 1
        fill()
      })
    }
  }

  function nextLength(): number {
    let weight = 0
    const tooMuch = waiting.findIndex(({ item }, index) => {
      weight += weightOf(item)
      return index === maxItems || (weight > maxWeight && index > 0)
    })
    return tooMuch < 0 ? waiting.length : tooMuch
  }

  async function settle(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await write(batch.map(({ item }) => item))
      batch.forEach(({ resolve, reject }, index) => {
        const result = results[index]
        if (result === undefined) reject(new Error('a batch gave fewer results than it has items'))
        else resolve(result)
      })
    } catch (error) {
      await afterFailure(batch, error)
    }
  }

  async function afterFailure(
    batch: readonly Waiting<Item, Result>[],
    error: unknown,
  ): Promise<void> {
    if (!isOfOneItem(error)) {
      // What waits would wait as long for the same answer.
      for (const { reject } of [...batch, ...waiting.splice(0)]) reject(error)
      return
    }
    const [only] = batch
    if (batch.length === 1 && only) {
      await setAside(only.item, error).then(only.resolve, only.reject)
      return
    }
    const middle = batch.length >> 1
    await settle(batch.slice(0, middle))
    await settle(batch.slice(middle))
  }

  return {
    submit: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject })
        // Behind the microtasks of this turn: what one read of a socket brought goes together.
        if (waiting.length === 1) queueMicrotask(fill)
      }),
  }
}
