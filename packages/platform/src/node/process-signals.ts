/** Stop requests to the process, for the executables. */

/**
 * Calls `stop` once at SIGTERM or SIGINT; a second signal ends the process at once, since `stop`
 * may hang. Returns a function that stops listening.
 */
export function onStopSignal(stop: (signal: 'SIGTERM' | 'SIGINT') => void): () => void {
  let stopping = false
  const handle = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(signal === 'SIGINT' ? 130 : 143)
    stopping = true
    stop(signal as 'SIGTERM' | 'SIGINT')
  }
  process.on('SIGTERM', handle)
  process.on('SIGINT', handle)
  return () => {
    process.off('SIGTERM', handle)
    process.off('SIGINT', handle)
  }
}
