/**
 * Log lines to stderr or a file: JSON for machines, one readable line for people.
 *
 * Written synchronously to the descriptor, so that the last line before a crash is there, from
 * worker threads too. Values under secret keys are masked at any depth.
 */
import { openSync, writeSync } from 'node:fs'
import { describeLocation, type ErrorData, toErrorData } from '@millrace/core'
import type { Logger, LogLevel } from '../logger.ts'

export interface NodeLoggerOptions {
  /** Default `info`. `off` logs nothing. */
  readonly level?: LogLevel | 'off'
  /** Default `text`. */
  readonly format?: 'json' | 'text'
  /** File to append to; default stderr. */
  readonly file?: string
  /** Carried by every line, e.g. `{ process: 'taskmanager' }`. */
  readonly fields?: Readonly<Record<string, unknown>>
}

type Fields = Readonly<Record<string, unknown>>

const LEVEL_RANKS = { debug: 0, info: 1, warn: 2, error: 3, off: 4 } as const
const SECRET_KEY = /password|passwd|secret|token|credential|jaas|api-?key|private-?key/i
const MASK = '******'
const FIELD_DEPTH_MAX = 6
const LINE_KEYS: ReadonlySet<string> = new Set(['time', 'level', 'message'])

export function createNodeLogger(options: NodeLoggerOptions = {}): Logger {
  const descriptor = options.file === undefined ? 2 : openSync(options.file, 'a')
  const format = options.format === 'json' ? formatJson : formatText
  return new NodeLogger(
    (level, message, fields) => writeLine(descriptor, format(level, message, fields)),
    LEVEL_RANKS[options.level ?? 'info'],
    options.fields ?? {},
  )
}

class NodeLogger implements Logger {
  readonly #write: (level: LogLevel, message: string, fields: Fields) => void
  readonly #rank: number
  readonly #fields: Fields
  constructor(
    write: (level: LogLevel, message: string, fields: Fields) => void,
    rank: number,
    fields: Fields,
  ) {
    this.#write = write
    this.#rank = rank
    this.#fields = fields
  }
  log(level: LogLevel, message: string, fields?: Fields): void {
    if (LEVEL_RANKS[level] < this.#rank) return
    this.#write(
      level,
      message,
      fields === undefined ? this.#fields : { ...this.#fields, ...fields },
    )
  }
  debug(message: string, fields?: Fields): void {
    this.log('debug', message, fields)
  }
  info(message: string, fields?: Fields): void {
    this.log('info', message, fields)
  }
  warn(message: string, fields?: Fields): void {
    this.log('warn', message, fields)
  }
  error(message: string, fields?: Fields): void {
    this.log('error', message, fields)
  }
  with(fields: Fields): Logger {
    return new NodeLogger(this.#write, this.#rank, { ...this.#fields, ...fields })
  }
}

function formatJson(level: LogLevel, message: string, fields: Fields): string {
  const line: Record<string, unknown> = { time: new Date().toISOString(), level, message }
  for (const [key, value] of Object.entries(maskSecrets(fields) as Fields)) {
    // A field of the line's own name does not hide it.
    line[LINE_KEYS.has(key) ? `field.${key}` : key] = value
  }
  return JSON.stringify(line)
}

function formatText(level: LogLevel, message: string, fields: Fields): string {
  let line = `${new Date().toISOString()} ${level.toUpperCase().padEnd(5)} ${message}`
  let details = ''
  for (const [key, value] of Object.entries(maskSecrets(fields) as Fields)) {
    if (isErrorData(value)) details += `\n${describeError(value)}`
    else
      line += ` ${key}=${typeof value === 'string' ? quoteIfNeeded(value) : JSON.stringify(value)}`
  }
  return line + details
}

function quoteIfNeeded(text: string): string {
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)
}

function isErrorData(value: unknown): value is ErrorData {
  return (value as ErrorData | null)?.brand === 'millrace-error'
}

/**
 * Frames are shown where the fault is ours; what the runtime threw has no code that helps anybody.
 */
function describeError(error: ErrorData, withFrames = error.domain === 'internal'): string {
  const isForeign = error.code === 'INTERNAL_ERROR' && !withFrames
  let text = isForeign ? `  ${error.message}` : `  ${error.code}: ${error.message}`
  const place = describeLocation(error.location)
  if (place !== '') text += `\n    at ${place}`
  if (error.hint !== undefined) text += `\n    hint: ${error.hint}`
  if (withFrames && error.stack !== undefined) text += `\n    ${error.stack}`
  if (error.cause !== undefined) {
    text += `\n  caused by\n${describeError(error.cause, withFrames)}`
  }
  return text
}

/**
 * Plain data with secrets masked and errors as `ErrorData`; cut below `FIELD_DEPTH_MAX` (also ends
 * cycles).
 */
function maskSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Error) return maskSecrets(toErrorData(value), depth)
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`
  if (depth >= FIELD_DEPTH_MAX) return '…'
  if (Array.isArray(value)) return value.map((item) => maskSecrets(item, depth + 1))
  const masked: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    masked[key] = SECRET_KEY.test(key) && item !== null ? MASK : maskSecrets(item, depth + 1)
  }
  return masked
}

const pause = new Int32Array(new SharedArrayBuffer(4))

/**
 * A full pipe answers EAGAIN: wait briefly for its reader, then give the line up rather than stop
 * the process.
 */
function writeLine(descriptor: number, line: string): void {
  let bytes: Uint8Array = Buffer.from(`${line}\n`)
  for (let tries = 0; bytes.length > 0 && tries < 100; ) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(pause, 0, 0, 1)
      tries++
    }
  }
}
