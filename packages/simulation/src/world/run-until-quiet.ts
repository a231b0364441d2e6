/**
 * Drives steps so that between two of them every promise that can settle has settled.
 *
 * Node runs its next-tick queue only when no microtask is left: a step that asks for the next
 * one by `nextTick`, from a microtask, is followed by all the others first. That costs no turn
 * of the real event loop; one in many steps takes such a turn all the same, so that signals and
 * messages are seen.
 */
const STEPS_A_TURN = 5000

/** Calls `step` until it gives a value; rejects with what it throws. */
export function runUntilQuiet<T>(step: () => T | null): Promise<T> {
  return new Promise((resolve, reject) => {
    let steps = 0
    const next = (): void => {
      let result: T | null
      try {
        result = step()
      } catch (error) {
        reject(error)
        return
      }
      if (result !== null) resolve(result)
      else if (++steps % STEPS_A_TURN === 0) setImmediate(next)
      else queueMicrotask(again)
    }
    const again = (): void => process.nextTick(next)
    // What the caller has begun settles before the first step, too.
    queueMicrotask(again)
  })
}
