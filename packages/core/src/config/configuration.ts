/**
 * Configuration: string keys and values, read through declared options.
 *
 * Immutable; layers (file < environment < `-D` < job) are merged with `withOverrides`.
 */
import { defineErrors } from '../error/millrace-error.ts'
import type { ConfigOption } from './config-option.ts'
import { parseConfigValue } from './parse-config-value.ts'

export const { error: configError, declarations: CONFIG_ERRORS } = defineErrors({
  CONFIG_VALUE_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'The text of a configuration value does not fit the option’s type.',
  },
  CONFIG_FILE_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'The configuration file cannot be read or a line of it is not `key: value`.',
  },
})

export class Configuration {
  readonly #values: ReadonlyMap<string, string>

  constructor(values: Iterable<readonly [string, string]> | Readonly<Record<string, string>> = {}) {
    this.#values = new Map(
      Symbol.iterator in values ? (values as Iterable<[string, string]>) : Object.entries(values),
    )
  }

  /**
   * The option's value, from its key, else its first alias that is set, else its default. Throws
   * CONFIG_VALUE_INVALID.
   */
  get<T>(option: ConfigOption<T>): T {
    for (const key of [option.key, ...option.aliases]) {
      const text = this.#values.get(key)
      if (text === undefined) continue
      const parsed = parseConfigValue(option, text)
      if (parsed.ok) return parsed.value as T
      throw configError(
        'CONFIG_VALUE_INVALID',
        `Set '${key}' to ${parsed.expected}; it is '${text}'.`,
        {
          location: { optionKey: key },
          hint: parsed.example,
        },
      )
    }
    return option.defaultValue
  }

  /** The raw text of a key, without aliases. */
  getRaw(key: string): string | undefined {
    return this.#values.get(key)
  }

  has(option: ConfigOption<unknown>): boolean {
    return [option.key, ...option.aliases].some((key) => this.#values.has(key))
  }

  /** A new configuration in which `overrides` win. */
  withOverrides(
    overrides: Iterable<readonly [string, string]> | Readonly<Record<string, string>>,
  ): Configuration {
    const merged = new Map(this.#values)
    const entries =
      Symbol.iterator in overrides
        ? (overrides as Iterable<[string, string]>)
        : Object.entries(overrides)
    for (const [key, value] of entries) merged.set(key, value)
    return new Configuration(merged)
  }

  keys(): string[] {
    return [...this.#values.keys()]
  }

  toObject(): Record<string, string> {
    return Object.fromEntries(this.#values)
  }
}
