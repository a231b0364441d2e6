/**
 * Structured logging, as a port. Never given a secret: `password`, `token`, `secret`,
 * `sasl.jaas.config` values are masked by key.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Logger {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
  /** A logger whose lines carry `fields` too. */
  with(fields: Readonly<Record<string, unknown>>): Logger
}
