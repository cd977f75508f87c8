import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { arrayTypes } from '../../src/db/array-types.ts'
import { OverloadError } from '../../src/db/limiter.ts'
import { createDatabase, type Database, DeadlineError, type Sql } from '../../src/db/sql.ts'
import { storageFailure } from '../../src/db/sqlstate.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
  await database.sql`create table done (work text primary key)`
})
afterAll(() => database.drop())

async function withDatabase<T>(
  options: Parameters<typeof createDatabase>[1],
  use: (db: Database) => Promise<T>,
  target = database.target,
): Promise<T> {
  const db = createDatabase(target, options)
  try {
    return await use(db)
  } finally {
    await db.close()
  }
}

const sleep = (db: Database, seconds: number): Promise<unknown> =>
  db.run((sql) => sql`select pg_sleep(${seconds})`)

const backend = (db: Database): Promise<unknown> =>
  db.run(async (sql) => (await sql`select pg_backend_pid() as pid`)[0]?.['pid'])

describe('more works than connections', () => {
  test('are done one after the other, in order', () =>
    withDatabase({ maxConnections: 1 }, async (db) => {
      const order: number[] = []
      const works = Array.from({ length: 50 }, (_, n) =>
        db.transaction(async (sql) => {
          order.push(n)
          await sql`insert into done values (${`in order ${n}`})`
        }),
      )
      await Promise.all(works)
      expect(order).toEqual([...order.keys()])
      expect(await database.sql`select 1 from done where work like 'in order %'`).toHaveLength(50)
    }))

  test('have the whole deadline from when they begin', () =>
    withDatabase({ maxConnections: 1 }, async (db) => {
      const before = await backend(db)
      await Promise.all([sleep(db, 1.5), sleep(db, 4)])
      expect(await backend(db)).toBe(before)
    }))

  test('are refused when too many wait, and those that run and wait are not harmed', () =>
    withDatabase({ maxConnections: 1, maxWaiting: 2 }, async (db) => {
      const before = await backend(db)
      const running = db.transaction(async (sql) => {
        await sql`select pg_sleep(0.5)`
        await sql`insert into done values ('innocent')`
      })
      const waiting = [backend(db), backend(db)]
      for (let n = 0; n < 1_000; n++) {
        await expect(db.run((sql) => sql`select 1`)).rejects.toThrow(OverloadError)
      }
      await running
      expect(await Promise.all(waiting)).toEqual([before, before])
      expect(await backend(db)).toBe(before)
      expect(await database.sql`select 1 from done where work = 'innocent'`).toHaveLength(1)
    }))

  test('are refused when they have waited too long, and later ones are served again', () =>
    withDatabase({ maxConnections: 1 }, async (db) => {
      const before = await backend(db)
      const running = sleep(db, 3)
      const late = await backend(db).catch((error: unknown) => error)
      expect(late).toBeInstanceOf(OverloadError)
      expect(storageFailure(late)).toBe('outage')
      await running
      expect(await backend(db)).toBe(before)
    }))

  test('that fail give their place on', () =>
    withDatabase({ maxConnections: 2 }, async (db) => {
      const failing = Array.from({ length: 20 }, () => db.run((sql) => sql`select 1 / 0`))
      const ends = await Promise.allSettled(failing)
      expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
      expect(await backend(db)).toEqual(expect.any(Number))
    }))
})

describe('a connection that is frozen', () => {
  test('costs the deadline; works behind it are refused, later ones get another one', async () => {
    const { target, freeze, close } = await startProxy()
    await withDatabase(
      { maxConnections: 1 },
      async (db) => {
        const before = await backend(db)
        freeze()
        const [frozen, behind] = await Promise.allSettled([backend(db), backend(db)])
        expect(frozen).toMatchObject({ reason: expect.any(DeadlineError) })
        expect(behind).toMatchObject({ reason: expect.any(OverloadError) })
        expect(await backend(db)).not.toBe(before)
      },
      target,
    )
    await close()
  })

  test('does not harm the transaction on the next one', async () => {
    const { target, freeze, close } = await startProxy()
    await withDatabase(
      { maxConnections: 2 },
      async (db) => {
        await backend(db)
        freeze()
        const frozen = backend(db).catch((error: unknown) => error)
        await sleep(db, 4.4)
        const beside = db.transaction(async (sql) => {
          await sql`select pg_sleep(0.9)`
          await sql`insert into done values ('beside a frozen one')`
        })
        expect(await frozen).toBeInstanceOf(DeadlineError)
        await beside
      },
      target,
    )
    expect(await database.sql`select 1 from done where work like 'beside%'`).toHaveLength(1)
    await close()
  })
})

describe('a connection that breaks before its first answer', () => {
  // An unhandled rejection, which would end the daemon, fails the run.
  test.each([1, 2, 3, 4])(
    'after %i answers of the server fails its work alone',
    async (answers) => {
      const { target, cutAfter, close } = await startProxy()
      cutAfter(answers)
      await withDatabase(
        { maxConnections: 3 },
        async (db) => {
          await Promise.allSettled([backend(db), db.transaction(backendOf), backend(db)])
          cutAfter(Number.POSITIVE_INFINITY)
          await expect.poll(() => backend(db).catch(() => null)).toEqual(expect.any(Number))
        },
        target,
      )
      await close()
    },
  )
})

describe('arrays', () => {
  async function roundTrip(type: string, values: readonly unknown[]): Promise<unknown> {
    return await withDatabase({ maxConnections: 1 }, (db) =>
      db.run(async (sql) => {
        const parameter = sql.typed(values, arrayTypes[type as keyof typeof arrayTypes].to)
        const [row] = await sql.unsafe(`select $1::${type}[] as values`, [parameter as never])
        return row?.['values']
      }),
    )
  }

  test.each([
    ['text', []],
    ['text', ['', 'NULL', null, 'a,b', '{}', '"', '\\', '\\"', ' x ', 'ü\n\u{1f4a9}']],
    ['int4', [0, -1, 2_147_483_647, null]],
    ['int2', [7]],
    ['int8', ['9007199254740993']],
    ['uuid', ['01890a5d-ac96-774b-bcce-b302099a8057']],
    ['timestamptz', [new Date('2026-11-22T01:02:03.004Z'), null]],
    ['date', [new Date('2026-11-22T00:00:00Z')]],
    ['bytea', [Buffer.from([0, 92, 34, 255]), Buffer.alloc(0), null]],
  ])('of %s come back as they were sent', async (type, values) => {
    expect(await roundTrip(type, values)).toEqual(values)
  })

  test('of whatever texts come back as they were sent', () =>
    withDatabase({ maxConnections: 1 }, async (db) => {
      const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', ''))
      await fc.assert(
        fc.asyncProperty(fc.array(fc.option(text)), async (values) => {
          const [row] = await db.run((sql) => sql`select ${values}::text[] as values`)
          expect(row?.['values']).toEqual(values)
        }),
      )
    }))
})

const backendOf = (sql: Sql): Promise<unknown> => sql`select pg_backend_pid()`

/** Between us and PostgreSQL; `cutAfter` resets connections; `freeze` swallows whatever connections of now still say. */
async function startProxy() {
  const { port, ...rest } = database.target as Extract<TestDatabase['target'], { port: number }>
  const sockets = new Set<Socket>()
  let limit = Number.POSITIVE_INFINITY
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    let answers = 0
    upstream.on('data', () => {
      answers += 1
      if (answers >= limit) client.resetAndDestroy()
    })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => to.write(bytes))
      from.on('error', () => undefined)
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    target: { ...rest, host: '127.0.0.1', port: address.port },
    cutAfter: (answers: number) => {
      limit = answers
    },
    freeze: () => {
      for (const socket of sockets) socket.removeAllListeners('data').pause()
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
