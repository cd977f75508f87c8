/** A part of a file, and whether it is the last. */
export type Piece = { bytes: Buffer; isLast: boolean }

/**
 * A file in pieces of at least `size` bytes, the first one of at least `firstSize`, but for the last:
 * what comes in drops costs no more than what comes in large parts. There is a last one even when
 * the file is empty.
 */
export async function* pieces(
  chunks: AsyncIterable<Buffer>,
  { firstSize, size }: { firstSize: number; size: number },
): AsyncGenerator<Piece> {
  let held: Buffer[] = []
  let length = 0
  let enough = firstSize
  for await (const chunk of chunks) {
    held.push(chunk)
    length += chunk.length
    if (length < enough) continue
    yield { bytes: Buffer.concat(held), isLast: false }
    held = []
    length = 0
    enough = size
  }
  yield { bytes: Buffer.concat(held), isLast: true }
}
