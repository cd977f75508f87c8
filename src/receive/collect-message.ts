import type { SMTPServerDataStream } from 'smtp-server'
import type { ByteLease } from './byte-budget.ts'

/** How the transfer of one message ended. */
export type Transfer =
  | { result: 'complete'; raw: Buffer }
  /** Over the limit, but the client came to the end: it can be told, and may go on. */
  | { result: 'too-big' }
  /** So far over the limit that the end is not worth waiting for. */
  | { result: 'overrun' }
  | { result: 'no-room' }
  /** The client went away before the final dot: what came is not the message. */
  | { result: 'aborted' }

/** How far over the limit we read on for the sake of a good reply. */
const toleranceBytes = 64 * 1024

/**
 * Reads the message, dots already unstuffed, into memory that `lease` accounts for; bytes that
 * cannot be kept are counted and dropped. `onBytes` hears of every chunk. Never rejects.
 */
export function collectMessage(
  stream: SMTPServerDataStream,
  maxMessageBytes: number,
  lease: ByteLease,
  onBytes: (bytes: number) => void,
): Promise<Transfer> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = []
    let bytes = 0
    let hasRoom = true

    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      onBytes(chunk.length)
      if (hasRoom && bytes <= maxMessageBytes) hasRoom = lease.take(chunk.length)
      if (hasRoom && bytes <= maxMessageBytes) {
        chunks.push(chunk)
        return
      }
      chunks = []
      lease.release()
      if (bytes > maxMessageBytes + toleranceBytes) resolve({ result: 'overrun' })
    })
    stream.on('end', () => {
      if (bytes > maxMessageBytes) resolve({ result: 'too-big' })
      else if (!hasRoom) resolve({ result: 'no-room' })
      else resolve({ result: 'complete', raw: joined(chunks) })
    })
    stream.on('error', () => resolve({ result: 'aborted' }))
    stream.on('close', () => resolve({ result: 'aborted' }))
  })
}

function joined(chunks: Buffer[]): Buffer {
  const [first] = chunks
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
}
