import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBatcher } from '../../src/record/batcher.ts'

const poison = new Error('poison')
const outage = new Error('outage')

function batcherOver(write: (items: readonly number[]) => Promise<readonly number[]>) {
  return createBatcher<number, number>({
    write,
    isOfOneItem: (error) => error === poison,
    setAside: async (item) => -item,
    weightOf: (item) => item,
    maxWeight: 1_000,
    maxItems: 10,
    maxInFlight: 2,
  })
}

test('what arrives while two writes run goes together into the next one', async () => {
  const batches: number[][] = []
  const gates: (() => void)[] = []
  const { submit } = batcherOver(async (items) => {
    batches.push([...items])
    await new Promise<void>((resolve) => gates.push(resolve))
    return items
  })
  const first = submit(1)
  await Promise.resolve()
  const second = submit(2)
  await Promise.resolve()
  const rest = [3, 4, 5].map(submit)
  await Promise.resolve()
  expect(batches).toEqual([[1], [2]])
  gates.shift()?.()
  await first
  await new Promise(setImmediate)
  expect(batches).toEqual([[1], [2], [3, 4, 5]])
  for (const open of gates) open()
  expect(await Promise.all([second, ...rest])).toEqual([2, 3, 4, 5])
})

test('a batch is never larger than its limit', async () => {
  const sizes: number[] = []
  const { submit } = batcherOver(async (items) => {
    sizes.push(items.length)
    return items
  })
  await Promise.all(Array.from({ length: 35 }, (_, index) => submit(index)))
  expect(Math.max(...sizes)).toBe(10)
})

test('nor heavier, unless one item alone is', async () => {
  const batches: number[][] = []
  const { submit } = batcherOver(async (items) => {
    batches.push([...items])
    return items
  })
  await Promise.all([400, 400, 400, 2_000, 1, 2].map(submit))
  expect(batches).toEqual([[400, 400], [400], [2_000], [1, 2]])
})

test('the poisonous items alone are set aside, everything else is written once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), async (poisonous) => {
      const written: number[] = []
      const { submit } = batcherOver(async (items) => {
        await Promise.resolve()
        if (items.some((item) => poisonous[item - 1])) throw poison
        written.push(...items)
        return items
      })
      const results = await Promise.all(poisonous.map((_, index) => submit(index + 1)))
      const expected = poisonous.map((isPoison, index) => (isPoison ? -(index + 1) : index + 1))
      expect(results).toEqual(expected)
      expect(written.sort((a, b) => a - b)).toEqual(expected.filter((item) => item > 0))
    }),
  )
})

test('an outage rejects what waits with it, and later items go through', async () => {
  let isDown = true
  const { submit } = batcherOver(async (items) => {
    if (isDown) throw outage
    return items
  })
  await expect(Promise.all([submit(1), submit(2)])).rejects.toBe(outage)
  isDown = false
  expect(await submit(3)).toBe(3)
})
