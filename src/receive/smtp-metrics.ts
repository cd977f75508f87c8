/** What the door counts; whoever starts it decides where the counts go. */
export type SmtpMetrics = {
  connectionOpened(): void
  connectionClosed(): void
  messageReceived(bytes: number): void
  /** The enhanced status code of a refusal, such as `5.7.1`. */
  rejected(status: string): void
  /** A 451 that is our own fault. */
  failed(): void
}
