/**
 * Config options, each declared once: key, aliases, type, default, description.
 *
 * The reference page (docs/configuration.md) is generated from the declarations, and a test holds
 * the two together. Values arrive as strings (file, `-D`, environment, SET, WITH) and are parsed
 * once, where the option is read.
 */
export type ConfigValueType =
  | 'string'
  | 'boolean'
  | 'int'
  | 'long'
  | 'double'
  | 'duration'
  | 'memory'
  | 'enum'
  | 'map'

export interface ConfigOption<T> {
  readonly key: string
  /** Older names that still work, in the order in which they are looked up. */
  readonly aliases: readonly string[]
  readonly type: ConfigValueType
  /** Undefined: no default; reading gives undefined. */
  readonly defaultValue: T
  /** For `enum`: the values, written as in the documentation; matching ignores case. */
  readonly values?: readonly string[]
  /**
   * For numbers, durations (ms) and sizes (bytes): the least and the largest value
   * that makes sense.
   */
  readonly min?: number
  readonly max?: number
  /** One sentence or two, for the reference page. */
  readonly description: string
}

type OptionSpec<T> = {
  readonly key: string
  readonly aliases?: readonly string[]
  readonly defaultValue: T
  readonly min?: number
  readonly max?: number
  readonly description: string
}

function declare<T>(
  type: ConfigValueType,
  spec: OptionSpec<T> & { values?: readonly string[] },
): ConfigOption<T> {
  return { aliases: [], ...spec, type }
}

/** Declares options; durations are in milliseconds and memory sizes in bytes once read. */
export const option = {
  string: <T extends string | undefined>(spec: OptionSpec<T>) => declare<T>('string', spec),
  boolean: <T extends boolean | undefined>(spec: OptionSpec<T>) =>
    declare<T extends boolean ? boolean : T>('boolean', spec as never),
  int: <T extends number | undefined>(spec: OptionSpec<T>) =>
    declare<T extends number ? number : T>('int', spec as never),
  long: <T extends number | undefined>(spec: OptionSpec<T>) =>
    declare<T extends number ? number : T>('long', spec as never),
  double: <T extends number | undefined>(spec: OptionSpec<T>) =>
    declare<T extends number ? number : T>('double', spec as never),
  /**
   * Value in ms. Texts: `10 s`, `500ms`, `5 min`, `1 h`, `2 d`, a bare number is ms,
   * ISO-8601 `PT10S`.
   */
  duration: <T extends number | undefined>(spec: OptionSpec<T>) =>
    declare<T extends number ? number : T>('duration', spec as never),
  /** Value in bytes. Texts: `1728m`, `32 kb`, `1 gb`, a bare number is bytes. */
  memory: <T extends number | undefined>(spec: OptionSpec<T>) =>
    declare<T extends number ? number : T>('memory', spec as never),
  enum: <const V extends readonly string[], T extends V[number] | undefined>(
    spec: OptionSpec<T> & { values: V },
  ) => declare<T extends undefined ? V[number] | undefined : V[number]>('enum', spec as never),
}
