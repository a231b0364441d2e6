/**
 * Configurations as they are shown: values under keys that sound like secrets are not, as with
 * the reference.
 */

import type { Configuration } from '@millrace/core'
import type { ConfigEntriesAnswer } from '@millrace/rest-api'

const MASKED = '******'
const SECRET =
  /password|secret|token|sasl\.jaas|fs\.azure\.account\.key|apikey|auth-params|service-key/i

export function maskSecrets(
  configuration: Readonly<Record<string, string>>,
): Record<string, string> {
  const entries = Object.entries(configuration)
  return Object.fromEntries(entries.map(([key, value]) => [key, SECRET.test(key) ? MASKED : value]))
}

/** All that is set, by key. */
export function shownConfiguration(configuration: Configuration): ConfigEntriesAnswer {
  return Object.entries(maskSecrets(configuration.toObject()))
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
}
