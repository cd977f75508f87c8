/** What a person needs to see of a message to judge it: texts alone, nothing that acts. */
export type MessageSummary = {
  /** Of the outermost header, decoded: From, To, Subject and the like, in the order they stand. */
  headers: readonly { name: string; value: string }[]
  /** Content types of the message and its parts, in order. */
  parts: readonly string[]
  /** The text for people, at its beginning; HTML without its markup. `null`: there is none. */
  text: string | null
  /** Whether there is more text. */
  isCut: boolean
}
