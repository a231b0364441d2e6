/**
 * Million records a CPU second of the JSON decoder beside JSON.parse, in one run.
 *
 *     node packages/connector/src/json/json-decoder.bench.ts
 */
import { type Field, OperatorMetrics } from '@millrace/core'
import { RecordSpans } from '../format.ts'
import { READ_AHEAD_BYTES, shareMemory } from '../wasm/shared-memory.ts'
import { JsonDecoder } from './json-decoder.ts'

const RECORDS = 50_000
const ROUNDS = 40
const BATCH = 2048

const nullable = true
const SENSOR: Field[] = [
  { name: 'sensor_id', type: { kind: 'STRING', nullable } },
  { name: 'temperature', type: { kind: 'DOUBLE', nullable } },
  { name: 'humidity', type: { kind: 'DOUBLE', nullable } },
  { name: 'event_time', type: { kind: 'TIMESTAMP', precision: 3, nullable } },
]

function sensorLine(i: number): string {
  const id = `sensor-${(i * 7919) % 1000}`
  const time = new Date(1_795_000_000_000 + i * 13).toISOString().slice(0, 23)
  const temperature = (15 + ((i * 37) % 2000) / 100).toFixed(2)
  const humidity = (30 + ((i * 53) % 600) / 10).toFixed(1)
  return `{"sensor_id":"${id}","temperature":${temperature},"humidity":${humidity},"event_time":"${time}"}`
}

function spansOf(lines: readonly string[]): RecordSpans {
  const text = Buffer.from(lines.join('\n'))
  // Where responses of a broker lie.
  const pages = Math.ceil((text.length + READ_AHEAD_BYTES) / 65_536)
  const memory = new WebAssembly.Memory({ initial: pages })
  shareMemory(memory)
  const bytes = Buffer.from(memory.buffer, 0, text.length)
  bytes.set(text)
  const starts = new Int32Array(lines.length)
  const lengths = new Int32Array(lines.length)
  let at = 0
  for (let i = 0; i < lines.length; i++) {
    starts[i] = at
    lengths[i] = Buffer.byteLength(lines[i] as string)
    at += (lengths[i] as number) + 1
  }
  return new RecordSpans(bytes, starts, lengths, lines.length)
}

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const used = process.cpuUsage(before)
  return (used.user + used.system) / 1e6
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number
}

function measure(name: string, spans: RecordSpans, fields: Field[]): void {
  const decoder = new JsonDecoder(
    fields,
    { timestampStandard: 'ISO-8601', failOnMissingField: false, ignoreParseErrors: false },
    new OperatorMetrics(),
  )
  const origin = { locate: () => ({}) }
  let rows = 0
  const decodeAll = () => {
    for (let from = 0; from < spans.count; from += BATCH) {
      rows += decoder.decode(spans, from, Math.min(from + BATCH, spans.count), origin).rowCount
    }
  }
  for (let i = 0; i < 5; i++) decodeAll()
  rows = 0
  const buffer = spans.bytes as Buffer
  let sum = 0
  const parseAll = () => {
    for (let i = 0; i < spans.count; i++) {
      const start = spans.starts[i] as number
      const end = start + (spans.lengths[i] as number)
      sum += JSON.parse(buffer.toString('latin1', start, end)).temperature ?? 0
    }
  }
  // In turns, so that both meet the same machine.
  const ours: number[] = []
  const parse: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(cpuSeconds(decodeAll))
    if (round % 5 === 0) parse.push(cpuSeconds(parseAll))
  }
  if (rows !== ROUNDS * spans.count) throw new Error('rows are missing')
  const bytes = spans.bytes.length / spans.count
  const fast = spans.count / median(ours) / 1e6
  const slow = spans.count / median(parse) / 1e6
  const best = spans.count / Math.min(...ours) / 1e6
  const figures = `${fast.toFixed(1)} M records/cpu-s (best ${best.toFixed(1)})`
  const beside = `JSON.parse ${slow.toFixed(1)}; ratio ${(fast / slow).toFixed(1)}`
  console.log(`${name} (${bytes.toFixed(0)} B): ${figures}; ${beside}`)
  if (sum < 0) throw new Error('temperatures are positive')
}

const lines = Array.from({ length: RECORDS }, (_, i) => sensorLine(i))
measure('sensor, all columns', spansOf(lines), SENSOR)
measure('sensor, 2 of 4 columns', spansOf(lines), SENSOR.slice(0, 2))
measure(
  'sensor, every record of another spacing than the one before (general parser)',
  spansOf(lines.map((line, i) => line.replace(':', `:${' '.repeat(i % 40)}`))),
  SENSOR,
)
const unique = lines.map((line, i) => line.replace(/sensor-\d+/, `id-${i}-${i * 31}`))
measure('sensor, unique ids', spansOf(unique), SENSOR)
