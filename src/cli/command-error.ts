/** A command cannot do what was asked: the text is for whoever typed it. */
export class CommandError extends Error {
  override name = 'CommandError'
}
