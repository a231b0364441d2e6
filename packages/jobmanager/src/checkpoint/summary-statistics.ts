/**
 * Minimum, maximum, mean and percentiles over the last values, as REST shows them; NaN-free:
 * all 0 when empty.
 */
import type { StatisticsSummary } from '@millrace/rest-api'

const SAMPLES_MAX = 1000

export class SummaryStatistics {
  readonly #values: number[] = []

  add(value: number): void {
    this.#values.push(value)
    if (this.#values.length > SAMPLES_MAX) this.#values.shift()
  }

  summary(): StatisticsSummary {
    const sorted = [...this.#values].sort((a, b) => a - b)
    const last = sorted.length - 1
    const at = (fraction: number): number => {
      if (last < 0) return 0
      const position = fraction * last
      const low = Math.floor(position)
      const below = sorted[low] as number
      return below + ((sorted[Math.min(low + 1, last)] as number) - below) * (position - low)
    }
    const sum = sorted.reduce((total, value) => total + value, 0)
    return {
      min: at(0),
      max: at(1),
      avg: last < 0 ? 0 : Math.floor(sum / sorted.length),
      p50: at(0.5),
      p90: at(0.9),
      p95: at(0.95),
      p99: at(0.99),
      p999: at(0.999),
    }
  }
}
