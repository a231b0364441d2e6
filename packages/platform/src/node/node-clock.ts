/**
 * The machine's clocks and timers.
 *
 * Wall time may jump; deadlines use the monotonic clock. Timers longer than Node's limit (2^31 − 1
 * ms, beyond which `setTimeout` fires at once) are re-armed.
 */
import type { Clock } from '../platform.ts'

const TIMER_DELAY_MAX_MS = 2 ** 31 - 1

export const nodeClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, action, options) {
    const deadlineMs = performance.now() + delayMs
    let timer: NodeJS.Timeout
    const arm = (remainingMs: number): void => {
      timer = setTimeout(
        () => {
          const leftMs = deadlineMs - performance.now()
          if (remainingMs > TIMER_DELAY_MAX_MS && leftMs > 1) arm(leftMs)
          else action()
        },
        Math.min(Math.max(0, remainingMs), TIMER_DELAY_MAX_MS),
      )
      if (options?.unref === true) timer.unref()
    }
    arm(delayMs)
    return () => clearTimeout(timer)
  },
  setImmediate(action) {
    setImmediate(action)
  },
  processCpuMicros() {
    const usage = process.cpuUsage()
    return usage.user + usage.system
  },
}
