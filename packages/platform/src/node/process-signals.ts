/** Stop requests to the process, for the executables. */

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP'

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/**
 * A terminal sends Ctrl-C to every process of the group, and a launcher passes its own on: what
 * comes within this time of the first signal is the same request.
 */
const SAME_REQUEST_MS = 1000

/**
 * Calls `stop` once at SIGTERM or SIGINT (with `hangup` at the end of the terminal too); a later
 * signal ends the process at once, since `stop` may hang. Returns a function that stops listening.
 */
export function onStopSignal(
  stop: (signal: StopSignal) => void,
  { hangup = false }: { readonly hangup?: boolean } = {},
): () => void {
  const signals: StopSignal[] = hangup ? ['SIGTERM', 'SIGINT', 'SIGHUP'] : ['SIGTERM', 'SIGINT']
  let firstMs: number | null = null
  const handle = (signal: NodeJS.Signals): void => {
    if (firstMs === null) {
      firstMs = performance.now()
      stop(signal as StopSignal)
    } else if (performance.now() - firstMs > SAME_REQUEST_MS) {
      process.exit(EXIT_CODES[signal as StopSignal])
    }
  }
  for (const signal of signals) process.on(signal, handle)
  return () => {
    for (const signal of signals) process.off(signal, handle)
  }
}
