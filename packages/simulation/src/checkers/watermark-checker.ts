/** A task's watermark never goes back within an attempt. */
import type { Violation } from './violation.ts'

export class WatermarkChecker {
  readonly #highest = new Map<string, number>()
  readonly violations: Violation[] = []
  /** Watermarks compared. */
  observed = 0

  /**
   * A reported watermark of one attempt (`-Infinity`: none yet); `where` tells input
   * and output apart.
   */
  observe(attemptId: string, where: string, watermarkMs: number): void {
    const key = `${attemptId} ${where}`
    const before = this.#highest.get(key)
    this.observed++
    if (before === undefined || watermarkMs >= before) {
      this.#highest.set(key, watermarkMs)
      return
    }
    this.violations.push({
      checker: 'watermarks',
      message: `The ${where} of attempt ${attemptId} went back.`,
      details: [`from ${before}`, `to ${watermarkMs}`],
    })
  }
}
