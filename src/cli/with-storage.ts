import { readConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { openStorage, type Storage } from './storage.ts'

/** Opens the database of the configuration for one command. */
export async function withStorage<T>(work: (storage: Storage) => Promise<T>): Promise<T> {
  const storage = await openStorage(readConfig(), 'command', createLog('warn'))
  try {
    return await work(storage)
  } finally {
    await storage.close()
  }
}
