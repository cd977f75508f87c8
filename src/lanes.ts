/**
 * Works on items as they come, so many at once. Rejects with the first failure, when nothing runs
 * any longer.
 */
export async function inLanes<Item>(
  items: AsyncIterable<Item>,
  lanes: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  const start = (item: Item): void => {
    const task = work(item)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => running.delete(task))
    running.add(task)
  }
  try {
    for await (const item of items) {
      if (running.size >= lanes) await Promise.race(running)
      if (failures.length > 0) break
      start(item)
    }
  } finally {
    await Promise.all(running)
  }
  if (failures.length > 0) throw failures[0]
}
