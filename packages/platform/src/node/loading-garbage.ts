/**
 * Gives back the memory that loading code has left, once, in a thread that waits for work.
 *
 * V8 does not collect the heap of an idle isolate, so what was read and compiled at the start
 * stays resident for as long as the thread waits. A thread that works is left alone: it collects
 * for itself, and a collection would only stand in its way. Needs `--expose-gc`; without it
 * nothing happens.
 */

const CHECK_INTERVAL_MS = 500
/** A thread that used less CPU in an interval is waiting. */
const WAITING_CPU_MICROS = 5000
/** A thread that has not waited by then is at work. */
const CHECKS_MAX = 20

interface CollectOptions {
  readonly type: 'major'
  readonly flavor: 'last-resort'
}
/** Any other flavor keeps the freed pages for later. */
const COLLECT_AND_SHRINK: CollectOptions = { type: 'major', flavor: 'last-resort' }

/** For this thread: collects after the first interval in which it waited. */
export function releaseLoadingGarbage(): void {
  const { gc } = globalThis as { gc?: (options: CollectOptions) => void }
  if (gc === undefined) return
  let usedMicros = threadCpuMicros()
  let checks = 0
  const timer = setInterval(() => {
    const nowMicros = threadCpuMicros()
    const waited = nowMicros - usedMicros < WAITING_CPU_MICROS
    usedMicros = nowMicros
    if (waited || ++checks === CHECKS_MAX) clearInterval(timer)
    if (waited) gc(COLLECT_AND_SHRINK)
  }, CHECK_INTERVAL_MS)
  timer.unref()
}

function threadCpuMicros(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}
