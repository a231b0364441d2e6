/**
 * The judgement at the end of a chaos run: every (sensor, window) of the output compared with a
 * plain computation over the input topic, both read by Kafka's own consumer.
 *
 * The input counts as read only when as many records came as the broker holds; the output is read
 * anew, by a reader that saw none of the faults.
 */
import { type CommittedReader, readWholeTopic, recordCount } from '../support/kafka-topics.ts'
import {
  type Aggregate,
  type Comparison,
  compareAggregates,
  expectedAggregates,
  isRight,
  type Reading,
} from '../support/sensor-oracle.ts'
import { CLOSING_SENSOR } from './load.ts'

const SETTLE_TIMEOUT_MS = 300_000
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function readInput(bootstrapServers: string, topic: string): Promise<string[]> {
  const count = await recordCount(bootstrapServers, topic)
  const inputs = await readWholeTopic(bootstrapServers, topic)
  if (inputs.length === count) return inputs
  throw new Error(`The input topic holds ${count} records, but ${inputs.length} were read.`)
}

/** Waits until all output is there, or the deadline has passed; prints what differs. */
export async function verifyOutput(
  bootstrapServers: string,
  topics: { readonly input: string; readonly output: string },
  follower: CommittedReader,
  log: (text: string) => void,
): Promise<boolean> {
  const inputs = await readInput(bootstrapServers, topics.input)
  const readings = inputs.map((text) => JSON.parse(text) as Reading)
  const expected = expectedAggregates(readings.filter((r) => r.sensor_id !== CLOSING_SENSOR))
  const deadline = Date.now() + SETTLE_TIMEOUT_MS
  const keyOf = (text: string) => {
    const row = JSON.parse(text) as Aggregate
    return `${row.sensor_id} ${row.window_start}`
  }
  const seen = new Set<string>()
  for (let read = 0; seen.size < expected.size && Date.now() < deadline; ) {
    await sleep(100)
    for (; read < follower.values.length; read++) seen.add(keyOf(follower.values[read] as string))
  }
  // What is doubled may come later than what it doubles.
  await sleep(3000)
  const lines = await readWholeTopic(bootstrapServers, topics.output)
  const rows = lines.map((text) => JSON.parse(text) as Aggregate)
  const comparison = compareAggregates(expected, rows)
  log(`${readings.length} readings, ${expected.size} windows expected, ${rows.length} committed`)
  logComparison(comparison, log)
  return isRight(comparison)
}

function logComparison(comparison: Comparison, log: (text: string) => void): void {
  for (const [kind, list] of Object.entries(comparison)) {
    const examples = list.length === 0 ? '' : `, e.g. ${list.slice(0, 3).join('; ')}`
    log(`${kind}: ${list.length}${examples}`)
  }
}
