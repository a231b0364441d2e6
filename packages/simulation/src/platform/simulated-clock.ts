/**
 * A process's clocks: monotonic time is simulated time, wall time is that plus the process's skew.
 */
import type { Clock } from '@millrace/platform'
import type { SimulatedProcess } from '../world/simulated-process.ts'

/** What every run's wall clocks show at its start, before skews. */
export const START_OF_TIME_MS = Date.UTC(2026, 10, 22, 10, 0, 0)

/** What letting other events go first costs. */
const YIELD_MS = 0.001

export function simulatedClock(process: SimulatedProcess): Clock {
  return {
    nowMs: () => Math.floor(START_OF_TIME_MS + process.readClock() + process.skewMs),
    monotonicMs: () => process.readClock(),
    setTimer: (delayMs, action) => process.after(delayMs, action),
    setImmediate: (action) => void process.after(YIELD_MS, action),
    processCpuMicros: () => Math.floor(process.nowMs * 100),
  }
}
