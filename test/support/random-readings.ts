/**
 * Random readings from a seed: out of order within the watermark's bound, duplicate times, nulls,
 * skewed sensors, empty partitions.
 */
import type { Reading } from './sensor-oracle.ts'

/** Mulberry32: small, good enough, the same on every machine. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export interface ReadingsShape {
  readonly seed: number
  readonly count: number
  readonly partitions: number
  /** Partitions from this number on stay empty. */
  readonly filledPartitions: number
}

const BOUND_MS = 10_000
const START_MS = Date.UTC(2026, 10, 22, 10, 0, 0)

/**
 * Readings a partition. No reading is more than the watermark's 10 seconds behind an earlier one of
 * any partition.
 */
export function randomReadings(shape: ReadingsShape): Reading[][] {
  const random = seeded(shape.seed)
  const partitions: Reading[][] = Array.from({ length: shape.partitions }, () => [])
  const sensors = 1 + Math.floor(random() * 40)
  const stepMs = 1 + Math.floor(random() * 2000)
  for (let n = 0; n < shape.count; n++) {
    const behindMs = random() < 0.2 ? 0 : Math.floor(random() * BOUND_MS)
    const timeMs = START_MS + n * stepMs - behindMs
    const partition = Math.floor(random() * shape.filledPartitions)
    partitions[partition]?.push({
      sensor_id: `sensor-${Math.floor(random() * random() * sensors)}`,
      temperature: random() < 0.05 ? null : Math.round(random() * 4000 - 1000) / 100,
      humidity: random() < 0.05 ? null : Math.floor(random() * 101),
      event_time: new Date(timeMs).toISOString().slice(0, 23),
    })
  }
  return partitions
}
