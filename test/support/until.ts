/**
 * A wait for something that real processes, sockets or files bring about in their own time; it says
 * what never came.
 */
import { inspect } from 'node:util'

const POLL_MS = 10
/** Far beyond what any machine takes: it tells a hang, and never a slow one. */
const TIMEOUT_MS = 300_000

/**
 * The first value of `look` that is neither false nor null. `what` completes "Waited in
 * vain until …"; a function is asked when that is said.
 */
export async function until<T>(
  what: string | (() => string),
  look: () => T | Promise<T>,
  timeoutMs = TIMEOUT_MS,
): Promise<NonNullable<T>> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const seen = await look()
    if (seen !== false && seen !== null && seen !== undefined) return seen
    if (performance.now() > deadlineMs) {
      throw new Error(
        `Waited ${timeoutMs} ms in vain until ${typeof what === 'string' ? what : what()}; ` +
          `seen last: ${inspect(seen, { depth: 4 })}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
