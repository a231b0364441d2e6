/**
 * Where the nanoseconds of a `GROUP BY k` row go, in one process: local phase, exchange by key,
 * global phase, each timed by itself.
 *
 *     node test/benchmark/group-stages.ts [KEYS …]
 *
 * COUNT and SUM over a BIGINT key, random keys, as one of two slots sees it: half of the rows of a
 * batch of 2,048 are its own. Figures are the fastest quarter of the steps (other work on the
 * machine only slows steps down), for new keys and for known ones.
 */
import {
  ColumnBatch,
  columnCodec,
  Int64Column,
  type LogicalType,
  type Operator,
  type Schema,
} from '@millrace/core'
import type { Expression } from '@millrace/expression'
import { ArrayTarget } from '../../packages/core/src/batch/wire-target.ts'
import { HashSplitter } from '../../packages/network/src/partition/hash-splitter.ts'
import { groupAccumulatorSchema } from '../../packages/sql-operators/src/aggregate/accumulate/accumulator-schema.ts'
import { GroupAggregate } from '../../packages/sql-operators/src/aggregate/group/group-aggregate.ts'
import { LocalGroupAggregate } from '../../packages/sql-operators/src/aggregate/group/local-group-aggregate.ts'
import type {
  AggregateCall,
  GroupAggregateConfig,
} from '../../packages/sql-operators/src/operator-config.ts'
import { OperatorHarness } from '../../packages/sql-operators/src/testing/operator-harness.ts'

const ROWS = 2048
const BIGINT: LogicalType = { kind: 'BIGINT', nullable: true }
const INPUT: Schema = {
  fields: [
    { name: 'k', type: BIGINT },
    { name: 'v', type: BIGINT },
  ],
}
const column = (index: number): Expression => ({ kind: 'column', index, type: BIGINT })
const call = (name: AggregateCall['function'], argument: number | null): AggregateCall => ({
  function: name,
  argument: argument === null ? null : column(argument),
  distinct: false,
  filter: null,
  resultType: BIGINT,
})
const aggregates = [call('COUNT', null), call('SUM', 1)]
const CONFIG: GroupAggregateConfig = {
  inputSchema: INPUT,
  keys: [column(0)],
  aggregates,
  inputIsChangelog: false,
  stateTtlMs: 0,
  emitUpdateBefore: false,
  twoPhase: true,
  outputSchema: {
    fields: [INPUT.fields[0]!, { name: 'n', type: BIGINT }, { name: 'total', type: BIGINT }],
  },
}
const EDGE = groupAccumulatorSchema(CONFIG)
const codec = columnCodec(EDGE)

async function open(make: (config: GroupAggregateConfig, context: never) => Operator) {
  return await new OperatorHarness({
    factory: (config, context) => ({
      kind: 'operator',
      operator: make(config as GroupAggregateConfig, context as never),
    }),
    config: CONFIG,
    outputSchema: CONFIG.outputSchema,
  }).open()
}

class Stage {
  readonly name: string
  #ns: number[] = []
  constructor(name: string) {
    this.name = name
  }
  time<T>(rows: number, work: () => T): T {
    const from = process.hrtime.bigint()
    const result = work()
    this.#ns.push(Number(process.hrtime.bigint() - from) / rows)
    return result
  }
  /** Mean of the fastest quarter since the last call, ns a row. */
  take(): string {
    const sorted = this.#ns.sort((a, b) => a - b)
    const quarter = sorted.slice(0, Math.max(1, sorted.length >> 2))
    this.#ns = []
    return `${this.name} ${(quarter.reduce((a, b) => a + b, 0) / quarter.length).toFixed(1)}`
  }
}

function fill(batch: ColumnBatch, keyOf: (i: number) => number): void {
  const [keys, values] = batch.columns as [Int64Column, Int64Column]
  const halves = new Int32Array(keys.values.buffer)
  const small = new Int32Array(values.values.buffer)
  for (let i = 0; i < ROWS; i++) {
    halves[2 * i] = keyOf(i)
    small[2 * i] = i
  }
}

async function measure(keyCount: number): Promise<void> {
  const local = await open((config, context) => new LocalGroupAggregate(config, context))
  const global = await open((config, context) => new GroupAggregate(config, context))
  const splitter = new HashSplitter(codec, [0], 2, 128)
  const stages = ['local', 'split', 'encode', 'decode', 'global'].map((name) => new Stage(name))
  const [locally, splitting, encoding, decoding, globally] = stages as [
    Stage,
    Stage,
    Stage,
    Stage,
    Stage,
  ]
  const wire = new Uint8Array(1 << 20)
  const sent: ColumnBatch[] = []
  local.output.emitBatch = (batch) => void sent.push(batch)
  global.output.emitBatch = () => {}
  function exchange(batch: ColumnBatch): void {
    const { rowCount } = batch
    const only = splitting.time(rowCount, () => splitter.split(batch))
    const part = (
      only >= 0 ? batch : splitting.time(rowCount, () => splitter.part(batch, 0))
    ) as ColumnBatch
    const size = encoding.time(part.rowCount, () => {
      const bytes = codec.size(part)
      codec.encode(part, bytes, new ArrayTarget(wire, 0, wire.length))
      return bytes
    })
    const received = decoding.time(part.rowCount, () => codec.decode(wire, 0, size)) as ColumnBatch
    globally.time(received.rowCount, () => global.operator.processBatch(0, received))
  }
  const batch = new ColumnBatch(ROWS, [
    new Int64Column(new BigInt64Array(ROWS), null),
    new Int64Column(new BigInt64Array(ROWS), null),
  ])
  const step = (rows: ColumnBatch): void => {
    locally.time(ROWS, () => local.operator.processBatch(0, rows))
    for (const piece of sent.splice(0)) exchange(piece)
  }
  const show = (what: string) =>
    console.log(`${keyCount} keys, ${what}: ${stages.map((stage) => stage.take()).join(', ')}`)
  // Twice the keys, since half of them are the other slot's.
  const all = keyCount * 2
  const rounds = Math.ceil(all / ROWS)
  const from = process.cpuUsage()
  for (let round = 0; round < rounds; round++) {
    fill(batch, (i) => ((round * ROWS + i) * 7_368_787) % all)
    step(batch)
  }
  local.operator.endInput(0)
  for (const rest of sent.splice(0)) exchange(rest)
  const used = process.cpuUsage(from)
  show('new')
  for (let round = 0; round < 2000; round++) {
    fill(batch, () => Math.floor(Math.random() * all))
    step(batch)
  }
  show('known')
  const bytes = [...global.state.memoryByTable().values()].reduce((a, b) => a + b, 0)
  console.log(
    `  ${(bytes / keyCount).toFixed(0)} bytes a key, ${(((used.user + used.system) * 1000) / all).toFixed(0)} ns of CPU a row while they were new`,
  )
}

const sizes = process.argv.slice(2).map(Number)
for (const keyCount of sizes.length > 0 ? sizes : [500_000, 5_000_000]) await measure(keyCount)
