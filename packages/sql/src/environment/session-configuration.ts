/**
 * The session's configuration: the cluster's, with what SET changed, checked against the
 * known options.
 */

import { type ConfigOption, type Configuration, isTimeZone } from '@millrace/core'
import { nearName, raise } from '../error-codes.ts'
import { LOCAL_TIME_ZONE } from '../sql-options.ts'

/** Keys that other parts read in a form of their own (a client's display settings, credentials). */
const FREE_PREFIXES = ['sql-client.', 's3.', 'fs.', 'security.', 'env.', 'metrics.']

export class SessionConfiguration {
  readonly #base: Configuration
  readonly #known: ReadonlyMap<string, ConfigOption<unknown>>
  readonly #set = new Map<string, string>()

  constructor(base: Configuration, options: readonly ConfigOption<unknown>[]) {
    this.#base = base
    this.#known = new Map(
      options.flatMap((option) => [option.key, ...option.aliases].map((key) => [key, option])),
    )
  }

  get current(): Configuration {
    return this.#base.withOverrides(this.#set)
  }

  /** What SET changed, and nothing of the cluster's. */
  get changed(): ReadonlyMap<string, string> {
    return this.#set
  }

  /**
   * Warnings: an unknown key. Throws CONFIG_VALUE_INVALID for a value that does not
   * fit a known one.
   */
  set(key: string, value: string): string[] {
    const option = this.#known.get(key)
    if (option !== undefined) this.#base.withOverrides({ [key]: value }).get(option)
    if (key === LOCAL_TIME_ZONE.key && !isTimeZone(value)) {
      throw raise(
        'SQL_INVALID',
        null,
        `Set '${key}' to a time zone; it is '${value}'.`,
        'For example: UTC, Europe/Berlin or +01:00.',
      )
    }
    // A key and its alias must not both be set: the one set last holds.
    for (const other of option === undefined ? [] : [option.key, ...option.aliases]) {
      this.#set.delete(other)
    }
    this.#set.set(key, value)
    if (option !== undefined || FREE_PREFIXES.some((prefix) => key.startsWith(prefix))) return []
    return [unknownKey(key, this.#known.keys())]
  }

  reset(key: string | null): string[] {
    if (key === null) {
      this.#set.clear()
      return []
    }
    if (this.#set.delete(key) || this.#known.has(key)) return []
    return [unknownKey(key, [...this.#known.keys(), ...this.#set.keys()])]
  }
}

function unknownKey(key: string, known: Iterable<string>): string {
  const near = nearName(key, known)
  return `Unknown option '${key}'${near === undefined ? '.' : `; did you mean '${near}'?`}`
}
