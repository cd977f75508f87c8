import { maskAddress } from '../../feedback/address.ts'
import { html, htmlPage } from '../html.ts'

/** Asks before it acts. The form has no action: it goes to the very address of the page. */
export function confirmPage(recipient: string, groupName: string | null): string {
  const what = groupName === null ? 'all mail of this sender' : `mail of the group “${groupName}”`
  return htmlPage(
    'Unsubscribe',
    html`<h1>Unsubscribe</h1>
<p>Shall ${maskAddress(recipient)} no longer get ${what}?</p>
<form method="post">
<button name="confirm" value="yes">Unsubscribe</button>
</form>`,
  )
}

/** Links in mail get forwarded: the address is shown masked. */
export function unsubscribedPage(recipient: string): string {
  return htmlPage(
    'You are unsubscribed',
    html`<h1>You are unsubscribed</h1>
<p>${maskAddress(recipient)} will get no more of this mail.</p>`,
  )
}

/** One text for each answer, whatever was wrong with the link. */
export const failurePages = {
  400: htmlPage(
    'Nothing was changed',
    '<h1>Nothing was changed</h1>\n<p>This request was not understood.</p>',
  ),
  404: htmlPage(
    'Link not valid',
    '<h1>This link is not valid</h1>\n<p>Please copy it whole from the mail.</p>',
  ),
  503: htmlPage(
    'Try again',
    '<h1>Please try again in a minute</h1>\n<p>Nothing was changed yet.</p>',
  ),
} as const
