/** What a recipient chooses on the page of preferences. */
export type Choice = {
  wish: 'unsubscribe' | 'resubscribe'
  /** `null`: everything, or everything that was not left on its own. */
  groupId: number | null
}

/** What became of a click on an unsubscribe link. */
export type Left = {
  /** `null`: everything. */
  groupId: number | null
  /** The click that can be taken back; `null` when there is none. */
  clickId: string | null
}
