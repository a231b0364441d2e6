/**
 * The main job's answer by a separate, plain computation: readings in, one row a
 * (sensor, minute) out.
 */

export interface Reading {
  readonly sensor_id: string
  readonly temperature: number | null
  readonly humidity: number | null
  readonly event_time: string
}

export interface Aggregate {
  readonly sensor_id: string
  readonly window_start: string
  readonly window_end: string
  readonly avg_temperature: number | null
  readonly max_temperature: number | null
  readonly min_temperature: number | null
  readonly avg_humidity: number | null
  readonly reading_count: number
}

const MINUTE_MS = 60_000

function isoText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19)
}

function average(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Window rows keyed by `<sensor> <window start>`. */
export function expectedAggregates(readings: Iterable<Reading>): Map<string, Aggregate> {
  const groups = new Map<string, { sensor: string; startMs: number; readings: Reading[] }>()
  for (const reading of readings) {
    const timeMs = Date.parse(`${reading.event_time}Z`)
    const startMs = Math.floor(timeMs / MINUTE_MS) * MINUTE_MS
    const key = `${reading.sensor_id} ${isoText(startMs)}`
    const group = groups.get(key) ?? { sensor: reading.sensor_id, startMs, readings: [] }
    group.readings.push(reading)
    groups.set(key, group)
  }
  const result = new Map<string, Aggregate>()
  for (const [key, group] of groups) {
    const temperatures = group.readings.map((r) => r.temperature).filter((v) => v !== null)
    const humidities = group.readings.map((r) => r.humidity).filter((v) => v !== null)
    result.set(key, {
      sensor_id: group.sensor,
      window_start: isoText(group.startMs),
      window_end: isoText(group.startMs + MINUTE_MS),
      avg_temperature: average(temperatures),
      max_temperature: temperatures.length === 0 ? null : Math.max(...temperatures),
      min_temperature: temperatures.length === 0 ? null : Math.min(...temperatures),
      avg_humidity: average(humidities),
      reading_count: group.readings.length,
    })
  }
  return result
}

export interface Comparison {
  readonly missing: string[]
  readonly doubled: string[]
  readonly wrong: string[]
  readonly unexpected: string[]
}

function near(a: number | null, b: number | null): boolean {
  if (a === null || b === null) return a === b
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b))
}

/**
 * Where output and expectation differ; every list is empty when each window is there
 * once and right.
 */
export function compareAggregates(
  expected: ReadonlyMap<string, Aggregate>,
  output: Iterable<Aggregate>,
): Comparison {
  const comparison: Comparison = { missing: [], doubled: [], wrong: [], unexpected: [] }
  const seen = new Set<string>()
  for (const row of output) {
    const key = `${row.sensor_id} ${row.window_start.slice(0, 19)}`
    const want = expected.get(key)
    if (want === undefined) {
      comparison.unexpected.push(key)
      continue
    }
    if (seen.has(key)) comparison.doubled.push(key)
    seen.add(key)
    const same =
      row.window_end.slice(0, 19) === want.window_end &&
      row.reading_count === want.reading_count &&
      near(row.avg_temperature, want.avg_temperature) &&
      near(row.max_temperature, want.max_temperature) &&
      near(row.min_temperature, want.min_temperature) &&
      near(row.avg_humidity, want.avg_humidity)
    if (!same) comparison.wrong.push(`${key}: ${JSON.stringify(row)}, not ${JSON.stringify(want)}`)
  }
  for (const key of expected.keys()) if (!seen.has(key)) comparison.missing.push(key)
  return comparison
}

/** Whether nothing differs. */
export function isRight(comparison: Comparison): boolean {
  return Object.values(comparison).every((list) => list.length === 0)
}
