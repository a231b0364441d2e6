/**
 * `npm run bench -- groups`: `GROUP BY k` with COUNT and SUM over BIGINT keys, from a Kafka topic
 * (JSON) and from datagen, into blackhole, at 10^3, 10^5, 10^6 and 10^7 keys, exactly-once
 * checkpoints every 10 s.
 *
 * Prints the cost a row by CPU of JobManager and TaskManagers, the peak memory, what checkpoints
 * wrote, a table of all sizes, and bytes a key: what the largest size takes more than the smallest,
 * by key. From datagen also what the
 * aggregation adds to datagen-to-blackhole. Both engines run every size once in a cluster of their
 * own that has run the smallest size before (`--warm-up 0` leaves that out).
 *
 * Options: --against flink | none (flink; skipped by name where it cannot run), --keys N[,N…],
 * --records N (10,000,000; twice the keys where that is more), --source kafka|datagen (both),
 * --parallelism N (2), --process-memory SIZE (of Millrace's TaskManager, 2g), --reference-heap MIB
 * (8192), --property KEY=VALUE (Millrace), --reference-property KEY=VALUE, --warm-up N (1).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKafkaBroker } from '../kafka-broker/broker.ts'
import { missingForReferenceEngine } from '../reference-engine/provision.ts'
import { readOptions } from '../support/command-options.ts'
import {
  type CheckpointCost,
  type Cost,
  describeMachine,
  type Engine,
  mib,
  startMillrace,
  startReference,
} from './engine.ts'
import { loadTopic } from './load-topic.ts'

const { values } = readOptions({
  name: 'npm run bench -- groups',
  summary:
    'GROUP BY k with COUNT and SUM at 10^3 to 10^7 keys from Kafka and datagen: cost a row, memory, bytes a key.',
  options: {
    against: {
      type: 'string',
      default: 'flink',
      value: 'flink | none',
      help: 'the other engine in the same run: flink, or none',
    },
    keys: {
      type: 'string',
      default: '1000,100000,1000000,10000000',
      value: 'N[,N…]',
      help: 'sizes, one after another',
    },
    records: {
      type: 'string',
      default: '10000000',
      value: 'N',
      help: 'rows; twice the keys where that is more',
    },
    source: {
      type: 'string',
      multiple: true,
      default: ['kafka', 'datagen'],
      value: 'SOURCE',
      help: 'kafka or datagen; may be repeated',
    },
    parallelism: { type: 'string', default: '2', value: 'N', help: 'of the job' },
    'process-memory': { type: 'string', default: '2g', value: 'SIZE', help: 'of the TaskManager' },
    'reference-heap': {
      type: 'string',
      default: '8192',
      value: 'MIB',
      help: 'heap of the other engine',
    },
    property: {
      type: 'string',
      multiple: true,
      default: [],
      value: 'KEY=VALUE',
      help: 'configuration of the cluster; may be repeated',
    },
    'reference-property': {
      type: 'string',
      multiple: true,
      default: [],
      value: 'KEY=VALUE',
      help: 'configuration of the other engine; may be repeated',
    },
    'warm-up': {
      type: 'string',
      default: '1',
      value: 'N',
      help: 'runs of the smallest size before',
    },
  },
})
const PARTITIONS = 2
/**
 * Coprime to all sizes, so that records n, n + 1, … walk through all keys in an order
 * without locality.
 */
const STRIDE = 7_368_787
const slots = Number(values.parallelism)
const sizes = values.keys.split(',').map(Number)
const print = (text: string) => process.stdout.write(`${text}\n`)
const recordsOf = (keys: number) => Math.max(Number(values.records), 2 * keys)

type Source = (keys: number) => string

const SINK = `CREATE TABLE totals (k BIGINT, n BIGINT, total BIGINT) WITH ('connector' = 'blackhole');\n`
const SETTINGS = `SET 'parallelism.default' = '${slots}';\n`
const GROUPS = 'INSERT INTO totals SELECT k, COUNT(*), SUM(v) FROM readings GROUP BY k;\n'
/** The same rows without the aggregation. */
const ROWS = 'INSERT INTO totals SELECT k, v, v FROM readings;\n'

const datagen: Source = (keys) => `CREATE TABLE readings (k BIGINT, v BIGINT) WITH (
  'connector' = 'datagen', 'number-of-rows' = '${recordsOf(keys)}', 'rows-per-second' = '1000000000',
  'fields.k.min' = '0', 'fields.k.max' = '${keys - 1}', 'fields.v.min' = '0', 'fields.v.max' = '1000');\n`

async function kafka(directory: string): Promise<{ source: Source; stop: () => Promise<void> }> {
  const broker = await startKafkaBroker({ directory: join(directory, 'kafka'), heap: '1g' })
  for (const keys of sizes) {
    const records = recordsOf(keys)
    const value = (n: number, partition: number) => {
      const k = ((n * PARTITIONS + partition) * STRIDE) % keys
      return `{"k":${k},"v":${n % 1001}}`
    }
    const content = { topic: `groups-${keys}`, partitions: PARTITIONS, records, value }
    await loadTopic(broker.bootstrapServers, { ...content, valueBytesMax: 48 }, () => {})
    print(`loaded ${records.toLocaleString('en')} records of ${keys.toLocaleString('en')} keys`)
  }
  const source: Source = (keys) => `CREATE TABLE readings (k BIGINT, v BIGINT) WITH (
  'connector' = 'kafka', 'topic' = 'groups-${keys}', 'properties.bootstrap.servers' = '${broker.bootstrapServers}',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'format' = 'json');\n`
  return { source, stop: () => broker.stop() }
}

interface Measured {
  readonly name: string
  readonly records: number
  readonly cost: Cost
}

async function measure(engine: Engine, source: Source, rowsToo: boolean): Promise<Measured[]> {
  const first = sizes[0] as number
  const script = (keys: number, insert: string) => `${source(keys)}${SINK}${SETTINGS}${insert}`
  try {
    for (let i = 0; i < Number(values['warm-up']); i++) await engine.run(script(first, GROUPS))
    const measured: Measured[] = []
    const add = async (name: string, keys: number, insert: string) => {
      const cost = await engine.run(script(keys, insert))
      measured.push({ name, records: recordsOf(keys), cost })
      print(`${engine.name} ${name}: ${describe(cost, recordsOf(keys))}`)
    }
    if (rowsToo) await add('rows alone', first, ROWS)
    for (const keys of sizes) await add(`${keys.toLocaleString('en')} keys`, keys, GROUPS)
    return measured
  } finally {
    await engine.stop()
  }
}

function describe(cost: Cost, records: number): string {
  const us = (cost.cpuS / records) * 1e6
  const { count, bytes, lastStateBytes } = cost.checkpoints
  return (
    `${cost.cpuS.toFixed(2)} CPU s, ${cost.wallS.toFixed(1)} s, ${us.toFixed(3)} µs of CPU a row, ` +
    `peak ${mib(cost.peakBytes)} (JobManager ${mib(cost.jobManagerBytes)}, TaskManager ${mib(cost.taskManagerBytes)}), ` +
    `${count} checkpoints wrote ${mib(bytes)}, the last one refers to ${mib(lastStateBytes)}`
  )
}

function startOurs(directory: string): Promise<Engine> {
  const properties = {
    'execution.checkpointing.interval': '10 s',
    'execution.checkpointing.dir': `file://${join(directory, 'checkpoints')}`,
    'taskmanager.memory.process.size': values['process-memory'],
    ...pairsOf(values.property),
  }
  return startMillrace({ directory: join(directory, 'millrace'), slots, properties })
}

function pairsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      return [text.slice(0, at), text.slice(at + 1)] as const
    }),
  )
}

function startTheirs(directory: string): Promise<Engine> {
  return startReference({
    directory: join(directory, 'flink'),
    slots,
    taskHeapMiB: Number(values['reference-heap']),
    properties: pairsOf(values['reference-property']),
    progress: print,
  })
}

function compare(ours: readonly Measured[], theirs: readonly Measured[]): void {
  const rows = (of: readonly Measured[]) => of.find(({ name }) => name === 'rows alone')
  const perRow = ({ cost, records }: Measured) => (cost.cpuS / records) * 1e6
  for (const [i, mine] of ours.entries()) {
    const other = theirs[i] as Measured
    const ratio = perRow(other) / perRow(mine)
    const base = [rows(ours), rows(theirs)] as const
    const added =
      base[0] === undefined || base[1] === undefined || mine.name === 'rows alone'
        ? ''
        : `; in what the aggregation adds: ${((perRow(other) - perRow(base[1])) / (perRow(mine) - perRow(base[0]))).toFixed(1)} times`
    const memory = (other.cost.peakBytes / mine.cost.peakBytes).toFixed(1)
    print(`${mine.name}: ${ratio.toFixed(1)} times by CPU, ${memory} times by memory${added}`)
    print(`${mine.name}: ${checkpointRatios(mine.cost, other.cost)}`)
  }
}

/** Whoever runs longer takes more of them: so what one of them writes is said as well. */
function checkpointRatios({ checkpoints: ours }: Cost, { checkpoints: theirs }: Cost): string {
  const times = (their: number, our: number) => (our === 0 ? '–' : (their / our).toFixed(1))
  const each = ({ bytes, count }: CheckpointCost) => bytes / Math.max(1, count)
  return (
    `the other engine's checkpoints wrote ${times(theirs.bytes, ours.bytes)} times the bytes, ` +
    `${times(each(theirs), each(ours))} times in each; ` +
    `its last one refers to ${times(theirs.lastStateBytes, ours.lastStateBytes)} times as many`
  )
}

function growth(measured: readonly Measured[]): void {
  const [first, last] = [measured.find(({ name }) => name !== 'rows alone'), measured.at(-1)]
  if (first === undefined || last === undefined || first === last) return
  const keys = (sizes.at(-1) as number) - (sizes[0] as number)
  const bytes = (last.cost.peakBytes - first.cost.peakBytes) / keys
  const cost = last.cost.cpuS / last.records / (first.cost.cpuS / first.records)
  print(
    `millrace from ${first.name} to ${last.name}: ${cost.toFixed(1)} times the cost a row, ${bytes.toFixed(0)} bytes a key`,
  )
}

/** In Markdown, as ARCHITECTURE has it. */
function printTable(measured: readonly Measured[]): void {
  const cells = ({ name, records, cost }: Measured) => [
    name,
    `${((cost.cpuS / records) * 1e6).toFixed(2)} µs`,
    mib(cost.taskManagerBytes),
    mib(cost.peakBytes),
    String(cost.checkpoints.count),
    mib(cost.checkpoints.bytes),
    mib(cost.checkpoints.lastStateBytes),
  ]
  const head = ['', 'CPU a row', 'TaskManager', 'all', 'checkpoints', 'wrote', 'last refers to']
  const rows = [head, head.map(() => '---'), ...measured.map(cells)]
  for (const row of rows) print(`| ${row.join(' | ')} |`)
}

async function bench(directory: string): Promise<void> {
  print(describeMachine())
  const missing = values.against === 'flink' ? missingForReferenceEngine() : null
  const against = values.against === 'flink' && missing === null
  if (missing !== null) print(`skipped: the reference engine ${missing}`)
  for (const name of values.source) {
    print(`\n== ${name} → GROUP BY → blackhole, parallelism ${slots}`)
    const { source, stop } =
      name === 'kafka' ? await kafka(directory) : { source: datagen, stop: async () => {} }
    try {
      const rowsToo = name === 'datagen'
      const ours = await measure(await startOurs(directory), source, rowsToo)
      printTable(ours)
      growth(ours)
      if (against) compare(ours, await measure(await startTheirs(directory), source, rowsToo))
    } finally {
      await stop()
    }
  }
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
try {
  await bench(directory)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
