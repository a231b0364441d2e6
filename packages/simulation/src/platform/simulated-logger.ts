/** A process's log lines become lines of the run's log. */
import { isMillraceError } from '@millrace/core'
import type { Logger, LogLevel } from '@millrace/platform'
import type { SimulatedProcess } from '../world/simulated-process.ts'

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

export function simulatedLogger(
  process: SimulatedProcess,
  minimum: LogLevel,
  fixed: Readonly<Record<string, unknown>> = {},
): Logger {
  const log = (
    level: LogLevel,
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
  ): void => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(minimum)) return
    const about = Object.entries({ ...fixed, ...fields })
      .map(([key, value]) => `${key}=${textOf(value)}`)
      .join(' ')
    process.world.log.add(process.nowMs, process.name, level, `${message} ${about}`)
  }
  return {
    log,
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
    with: (fields) => simulatedLogger(process, minimum, { ...fixed, ...fields }),
  }
}

/** Errors by code, message and causes: their stacks belong to the build, not to the run. */
function textOf(value: unknown): string {
  if (value instanceof Error || isErrorData(value)) {
    const { message, cause } = value as { message: string; cause?: unknown }
    const code =
      isMillraceError(value) || isErrorData(value) ? `${(value as { code: string }).code}: ` : ''
    return `${code}${message}${cause === undefined ? '' : ` <- ${textOf(cause)}`}`
  }
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')
}

function isErrorData(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value
}
