/**
 * The topic of the main job's benchmark: 100 sensors, event times up to 5 s out of order, about 17
 * minutes a million records a partition.
 */
import { loadTopic } from './load-topic.ts'

const SENSORS = 100
/**
 * Event time of one record after another of a partition: 10 million records over 3 partitions make
 * about 56 minutes.
 */
const STEP_MS = 1
const DISORDER_MS = 5000
const START_MS = Date.UTC(2026, 10, 22, 10, 0, 0)

/** Two and three digits with leading zeros. */
const pad = (value: number, digits: number) => String(value).padStart(digits, '0')

/** Produces `records` readings, spread evenly. */
export async function loadSensorTopic(
  bootstrapServers: string,
  topic: string,
  partitions: number,
  records: number,
  progress: (done: number) => void,
): Promise<void> {
  const isoText = isoTexts()
  const value = (index: number, partition: number) => {
    const n = index * partitions + partition
    const timeMs = START_MS + index * STEP_MS - ((n * 7919) % DISORDER_MS)
    const temperature = 18 + ((n * 31) % 150) / 10
    const humidity = 30 + ((n * 17) % 60)
    return `{"sensor_id":"sensor-${n % SENSORS}","temperature":${temperature},"humidity":${humidity},"event_time":"${isoText(timeMs)}"}`
  }
  const content = { topic, partitions, records, valueBytesMax: 160, value }
  await loadTopic(bootstrapServers, content, progress)
}

/** Keeps the text of the minute that it gave last. */
function isoTexts(): (timeMs: number) => string {
  let minuteMs = -1
  let minuteText = ''
  return (timeMs) => {
    const minute = Math.floor(timeMs / 60_000) * 60_000
    if (minute !== minuteMs) {
      minuteMs = minute
      minuteText = new Date(minute).toISOString().slice(0, 17)
    }
    const inMinuteMs = timeMs - minute
    return `${minuteText}${pad(Math.floor(inMinuteMs / 1000), 2)}.${pad(inMinuteMs % 1000, 3)}`
  }
}
