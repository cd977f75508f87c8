import { providerFamilies, providerNamed } from '../feedback/provider.ts'
import { CommandError } from './command-error.ts'

export const providerNames = `${providerFamilies.join(', ')}, unknown or a domain such as example.com`

/** The receiving provider that `--provider` names. Throws a CommandError. */
export function providerMeant(text: string): string {
  const provider = providerNamed(text)
  if (provider !== null) return provider
  throw new CommandError(`--provider takes ${providerNames}, not ${text}`)
}
