/**
 * The sensors of the main job: readings as JSON lines, the same for the same number.
 *
 * Reading n belongs to sensor n mod 10, one reading every 3 seconds of event time, up to 8 seconds
 * out of order (the watermark allows 10).
 */
export const SENSOR_COUNT = 10
export const PARTITION_COUNT = 3
const READING_INTERVAL_MS = 3000
const DISORDER_MS_MAX = 8000

/** A well-mixed 32-bit number from n, so that reading n never depends on who asks. */
function scramble(n: number): number {
  let h = (n + 1) * 0x9e3779b1
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

export interface SensorReading {
  readonly sensor_id: string
  readonly temperature: number
  readonly humidity: number
  /** ISO-8601, without zone. */
  readonly event_time: string
}

export function sensorReading(n: number, startMs: number): SensorReading {
  const random = scramble(n)
  const timeMs = startMs + n * READING_INTERVAL_MS - (random % DISORDER_MS_MAX)
  return {
    sensor_id: `sensor-${n % SENSOR_COUNT}`,
    temperature: 18 + ((random >>> 8) % 120) / 10,
    humidity: 40 + ((random >>> 16) % 30),
    event_time: new Date(timeMs).toISOString().slice(0, 23),
  }
}

/**
 * The partition that a reading goes to: its sensor's, so that a partition holds several sensors.
 */
export function partitionOf(reading: SensorReading): number {
  return Number(reading.sensor_id.slice('sensor-'.length)) % PARTITION_COUNT
}
