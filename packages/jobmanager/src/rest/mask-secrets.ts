/**
 * Configurations as they are shown: values under keys that sound like secrets are not, as with
 * the reference.
 */

const MASKED = '******'
const SECRET =
  /password|secret|token|sasl\.jaas|fs\.azure\.account\.key|apikey|auth-params|service-key/i

export function maskSecrets(
  configuration: Readonly<Record<string, string>>,
): Record<string, string> {
  const entries = Object.entries(configuration)
  return Object.fromEntries(entries.map(([key, value]) => [key, SECRET.test(key) ? MASKED : value]))
}
