/**
 * Window aggregates against a plain computation from the same rows: random rows, out of order,
 * late, NULLs and equal timestamps; TUMBLE and HOP with offsets; one and two phases; snapshot and
 * restore at random points and at another parallelism.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batchOf,
  type ColumnBatch,
  ColumnBatchBuilder,
  keyGroups,
  type LogicalType,
  type OperatorSnapshot,
  type Schema,
  type StringColumn,
  subtaskOfKeyGroup,
  type Value,
} from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type { AggregateCall, WindowAggregateConfig, WindowSpec } from '../../operator-config.ts'
import { OperatorHarness, restoredState } from '../../testing/operator-harness.ts'
import { accumulatorSchema } from '../accumulate/accumulator-schema.ts'
import { GlobalWindowAggregate } from './global-window-aggregate.ts'
import { LocalWindowAggregate } from './local-window-aggregate.ts'

const STRING: LogicalType = { kind: 'STRING', nullable: true }
const DOUBLE: LogicalType = { kind: 'DOUBLE', nullable: true }
const BIGINT: LogicalType = { kind: 'BIGINT', nullable: true }
const INT: LogicalType = { kind: 'INT', nullable: true }
const TIMESTAMP: LogicalType = { kind: 'TIMESTAMP', precision: 3, nullable: true }
const BOOLEAN: LogicalType = { kind: 'BOOLEAN', nullable: true }

const INPUT: Schema = {
  fields: [
    { name: 'k', type: STRING },
    { name: 'n', type: INT },
    { name: 't', type: TIMESTAMP },
    { name: 'd', type: DOUBLE },
    { name: 'b', type: BIGINT },
    { name: 's', type: STRING },
    { name: 'f', type: BOOLEAN },
  ],
}
type Row = [
  string | null,
  number | null,
  number,
  number | null,
  bigint | null,
  string | null,
  boolean | null,
]

const column = (index: number): Expression => ({
  kind: 'column',
  index,
  type: INPUT.fields[index]!.type,
})
const call = (
  name: AggregateCall['function'],
  argument: number | null,
  resultType: LogicalType,
  more: Partial<AggregateCall> = {},
): AggregateCall => ({
  function: name,
  argument: argument === null ? null : column(argument),
  distinct: false,
  filter: null,
  resultType,
  ...more,
})

const PLAIN_CALLS = [
  call('COUNT', null, BIGINT),
  call('COUNT', 3, BIGINT),
  call('SUM', 3, DOUBLE),
  call('AVG', 3, DOUBLE),
  call('MIN', 3, DOUBLE),
  call('MAX', 3, DOUBLE),
  call('SUM', 4, BIGINT),
  call('AVG', 4, BIGINT),
  call('MIN', 4, BIGINT),
  call('MAX', 4, BIGINT),
  call('MIN', 5, STRING),
  call('MAX', 5, STRING),
  call('SUM', 3, DOUBLE, { filter: column(6) }),
  call('COUNT', null, BIGINT, { filter: column(6) }),
  call('SUM', 1, INT),
]
const DISTINCT_CALLS = [
  ...PLAIN_CALLS,
  call('COUNT', 5, BIGINT, { distinct: true }),
  call('SUM', 4, BIGINT, { distinct: true }),
  call('COUNT', 3, BIGINT, { distinct: true, filter: column(6) }),
]

function configOf(
  window: WindowSpec,
  keys: readonly number[],
  calls: readonly AggregateCall[],
  twoPhase: boolean,
  rowtime = true,
): WindowAggregateConfig {
  return {
    inputSchema: INPUT,
    keys: keys.map(column),
    aggregates: calls,
    window,
    rowtime: rowtime ? column(2) : null,
    properties: ['window_start', 'window_end', 'window_time'],
    twoPhase,
    outputSchema: {
      fields: [
        ...keys.map((key) => INPUT.fields[key]!),
        ...calls.map((c, index) => ({ name: `a${index}`, type: c.resultType })),
        { name: 'window_start', type: TIMESTAMP },
        { name: 'window_end', type: TIMESTAMP },
        { name: 'window_time', type: TIMESTAMP },
      ],
    },
  }
}

/** Mulberry32: a seeded generator, so that a failing run is one number. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

type Step = { rows: Row[] } | { watermark: number } | { checkpoint: true }

function randomSteps(random: () => number, count: number, nullKeys: boolean): Step[] {
  const steps: Step[] = []
  let now = 100_000
  let watermark = Number.NEGATIVE_INFINITY
  const maybe = <T>(value: T, chance = 0.15): T | null => (random() < chance ? null : value)
  for (let i = 0; i < count; i++) {
    const dice = random()
    if (dice < 0.6) {
      const rows: Row[] = []
      const length = 1 + Math.floor(random() * 20)
      for (let r = 0; r < length; r++) {
        now += Math.floor(random() * 40)
        rows.push([
          maybe(`key-${Math.floor(random() * 5)}`, nullKeys ? 0.15 : 0),
          maybe(Math.floor(random() * 3)),
          now - Math.floor(random() * random() * 5000),
          maybe(Math.floor(random() * 200 - 100) / 4),
          maybe(BigInt(Math.floor(random() * 2000 - 1000)) * 1_000_000_007n),
          maybe(`text ${'é'.repeat(Math.floor(random() * 3))}${Math.floor(random() * 6)}`),
          maybe(random() < 0.5),
        ])
      }
      steps.push({ rows })
    } else if (dice < 0.85) {
      watermark = Math.max(watermark, now - 1500 + Math.floor(random() * 500))
      steps.push({ watermark })
    } else steps.push({ checkpoint: true })
  }
  return steps
}

const keyText = (values: readonly Value[]): string =>
  JSON.stringify(values, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))

/** The same, by hand: for each row the windows that hold it and have not fired. */
function expected(
  steps: readonly Step[],
  window: WindowSpec,
  keys: readonly number[],
  calls: readonly AggregateCall[],
): { rows: Value[][]; late: number } {
  const slide = window.kind === 'hop' ? window.slideMs : window.sizeMs
  const windows = new Map<string, { key: Value[]; end: number; rows: Row[] }>()
  let watermark = Number.NEGATIVE_INFINITY
  let late = 0
  for (const step of steps) {
    if ('watermark' in step) watermark = Math.max(watermark, step.watermark)
    if (!('rows' in step)) continue
    for (const row of step.rows) {
      let held = false
      let hasWindow = false
      let start = Math.floor((row[2] - window.offsetMs) / slide) * slide + window.offsetMs
      for (; start + window.sizeMs > row[2]; start -= slide) {
        hasWindow = true
        const end = start + window.sizeMs
        if (end - 1 <= watermark) continue
        held = true
        const key = keys.map((index) => row[index] as Value)
        const name = keyText([...key, end])
        if (!windows.has(name)) windows.set(name, { key, end, rows: [] })
        windows.get(name)!.rows.push(row)
      }
      if (hasWindow && !held) late++
    }
  }
  const rows = [...windows.values()].map(({ key, end, rows: held }) => [
    ...key,
    ...calls.map((c) => plainAggregate(c, held)),
    end - window.sizeMs,
    end,
    end - 1,
  ])
  return { rows, late }
}

function plainAggregate(c: AggregateCall, rows: readonly Row[]): Value {
  const filtered =
    c.filter === null ? rows : rows.filter((row) => row[(c.filter as { index: number }).index])
  if (c.argument === null) return BigInt(filtered.length)
  const index = (c.argument as { index: number }).index
  let values = filtered.map((row) => row[index] as Value).filter((value) => value !== null)
  if (c.distinct) values = [...new Set(values)]
  if (c.function === 'COUNT') return BigInt(values.length)
  if (values.length === 0) return null
  const order = (a: Value, b: Value): number =>
    typeof a === 'string'
      ? Buffer.compare(Buffer.from(a), Buffer.from(b as string))
      : a! < b!
        ? -1
        : a! > b!
          ? 1
          : 0
  const sorted = [...values].sort(order)
  if (c.function === 'MIN') return sorted[0]!
  if (c.function === 'MAX') return sorted.at(-1)!
  const bigints = typeof values[0] === 'bigint'
  const sum = bigints
    ? (values as bigint[]).reduce((a, b) => a + b, 0n)
    : (values as number[]).reduce((a, b) => a + b, 0)
  if (c.function === 'SUM') return sum
  return bigints ? (sum as bigint) / BigInt(values.length) : (sum as number) / values.length
}

const sortedText = (rows: readonly (readonly Value[])[]): string[] => rows.map(keyText).sort()

/** `key-0` … `key-4`, shared by all batches. */
const DICTIONARY = (
  batchOf(
    { fields: [INPUT.fields[0]!] },
    Array.from({ length: 5 }, (_, i) => [`key-${i}`]),
  ).columns[0] as StringColumn
).pool

/** Reference-coded columns or, as a Kafka decoder makes them, dictionary-coded ones. */
function inputBatch(rows: readonly Row[], dictionary: boolean): ColumnBatch {
  const batch = batchOf(INPUT, rows)
  const keys = batch.columns[0]!
  if (dictionary && keys.kind === 'str') {
    keys.pool = DICTIONARY
    keys.codes = Int32Array.from(rows, (row) => Number(row[0]?.at(-1) ?? 0))
  }
  return batch
}

/**
 * Runs steps through local operators, a hash exchange and global ones; `parallelism` may change at
 * each checkpoint.
 */
async function run(
  steps: readonly Step[],
  config: WindowAggregateConfig,
  random: () => number,
  options: { parallelisms: readonly number[]; slow?: boolean },
): Promise<{ rows: (readonly Value[])[]; late: number }> {
  const rows: (readonly Value[])[] = []
  let late = 0
  let parallelism = options.parallelisms[0]!
  const edge = config.twoPhase ? accumulatorSchema(config) : config.inputSchema
  const keyColumns = config.keys.map((key, i) =>
    config.twoPhase ? i : (key as { index: number }).index,
  )
  const openGlobals = (snapshots: readonly OperatorSnapshot[] | null) =>
    Promise.all(
      Array.from({ length: parallelism }, (_, subtaskIndex) =>
        new OperatorHarness({
          factory: (c, x) => ({
            kind: 'operator',
            operator: new GlobalWindowAggregate(c as WindowAggregateConfig, x),
          }),
          config,
          outputSchema: config.outputSchema,
          subtaskIndex,
          parallelism,
          restored: snapshots === null ? null : restoredState(snapshots, subtaskIndex, parallelism),
        }).open(),
      ),
    )
  let globals = await openGlobals(null)
  const unblock = (harness: OperatorHarness): void => {
    while (harness.operator.isBlocked!()) {
      harness.output.capacity = 1
      harness.resume()
    }
    if (options.slow) harness.output.capacity = 1
  }
  const exchange = (batch: ColumnBatch): void => {
    const groups = keyGroups(batch, keyColumns, 128)
    const builders = globals.map(() => new ColumnBatchBuilder(edge))
    for (let row = 0; row < batch.rowCount; row++) {
      builders[subtaskOfKeyGroup(groups[row]!, parallelism, 128)]!.appendFrom(batch, row)
    }
    builders.forEach((builder, i) => {
      if (builder.rowCount > 0) globals[i]!.operator.processBatch(0, builder.build())
    })
  }
  const local = config.twoPhase
    ? await new OperatorHarness({
        factory: (c, x) => ({
          kind: 'operator',
          operator: new LocalWindowAggregate(c as WindowAggregateConfig, x),
        }),
        config,
        outputSchema: edge,
        configuration: { 'table.exec.local-aggregate.max-groups': random() < 0.5 ? '7' : '1000' },
      }).open()
    : null
  if (local !== null) local.output.emitBatch = exchange
  const watermark = (timestampMs: number): void => {
    local?.watermark(timestampMs)
    for (const harness of globals) {
      harness.watermark(timestampMs)
      unblock(harness)
    }
  }
  const collect = (): void => {
    for (const harness of globals) {
      rows.push(...harness.output.rows())
      late += harness.metrics.numLateRecordsDropped
    }
  }
  let checkpointId = 1
  for (const step of steps) {
    if ('rows' in step) {
      const batch = inputBatch(step.rows, random() < 0.5)
      if (local === null) exchange(batch)
      else local.operator.processBatch(0, batch)
    } else if ('watermark' in step) watermark(step.watermark)
    else {
      await local?.checkpoint(checkpointId)
      const snapshots = await Promise.all(globals.map((g) => g.checkpoint(checkpointId)))
      checkpointId++
      collect()
      parallelism = options.parallelisms[checkpointId % options.parallelisms.length]!
      globals = await openGlobals(snapshots)
    }
  }
  local?.operator.endInput(0)
  watermark(Number.POSITIVE_INFINITY)
  collect()
  return { rows, late }
}

const WINDOWS: readonly WindowSpec[] = [
  { kind: 'tumble', sizeMs: 1000, offsetMs: 0 },
  { kind: 'tumble', sizeMs: 700, offsetMs: 130 },
  { kind: 'hop', sizeMs: 1000, slideMs: 500, offsetMs: 0 },
  { kind: 'hop', sizeMs: 900, slideMs: 600, offsetMs: 50 },
  { kind: 'hop', sizeMs: 300, slideMs: 1000, offsetMs: 0 },
]

for (const window of WINDOWS) {
  for (const twoPhase of [true, false]) {
    const name = `${window.kind} ${JSON.stringify(window)} in ${twoPhase ? 'two phases' : 'one phase'}`
    test(`${name} gives what a plain computation gives, through restores and rescaling`, async () => {
      let windows = 0
      for (let seed = 1; seed <= 6; seed++) {
        const random = randomOf(seed)
        const steps = randomSteps(random, 70, seed < 4)
        const keys = [[0], [0, 1], [0], [], [0], [1]][seed % 6]!
        const calls = twoPhase ? PLAIN_CALLS : DISTINCT_CALLS
        const config = configOf(window, keys, calls, twoPhase)
        const parallelisms = seed % 2 === 0 ? [1] : [2, 3, 1]
        const got = await run(steps, config, random, { parallelisms, slow: seed % 3 === 0 })
        const want = expected(steps, window, keys, calls)
        assert.deepEqual(sortedText(got.rows), sortedText(want.rows), `seed ${seed}`)
        windows += want.rows.length
        assert.equal(got.late, want.late, `late rows of seed ${seed}`)
      }
      assert.ok(windows > 100, `${windows} windows were compared`)
    })
  }
}

const globalOf = (config: WindowAggregateConfig) =>
  new OperatorHarness({
    factory: (c, x) => ({
      kind: 'operator',
      operator: new GlobalWindowAggregate(c as WindowAggregateConfig, x),
    }),
    config,
    outputSchema: config.outputSchema,
    startMs: 10_250,
  }).open()

test('a row without event time fails with the name of the column', async () => {
  const calls = [call('COUNT', null, BIGINT)]
  const harness = await globalOf(configOf(WINDOWS[0]!, [0], calls, false))
  const batch = batchOf(INPUT, [['a', 1, null, 1, 1n, 'x', true]])
  assert.throws(
    () => harness.operator.processBatch(0, batch),
    (error: { code: string; message: string }) =>
      error.code === 'ROWTIME_NULL' && error.message.includes("'t'"),
  )
})

test('processing-time windows fire when the clock reaches their end, and at the end of the input', async () => {
  const calls = [call('COUNT', null, BIGINT)]
  const harness = await globalOf(configOf(WINDOWS[0]!, [0], calls, false, false))
  const row: Row = ['a', 1, 0, 1, 1n, 'x', true]
  harness.operator.processBatch(0, batchOf(INPUT, [row, row]))
  harness.advanceTo(10_999)
  assert.deepEqual(harness.output.rows(), [])
  harness.advanceTo(11_000)
  assert.deepEqual(harness.output.rows(), [['a', 2n, 10_000, 11_000, 10_999]])
  harness.operator.processBatch(0, batchOf(INPUT, [row]))
  harness.watermark(Number.POSITIVE_INFINITY)
  assert.deepEqual(harness.output.rows()[1], ['a', 1n, 11_000, 12_000, 11_999])
})

test('memory stays bounded when every window has new keys', async () => {
  const calls = [call('COUNT', null, BIGINT), call('MAX', 5, STRING)]
  const harness = await globalOf(configOf(WINDOWS[0]!, [0], calls, false))
  for (let second = 0; second < 200; second++) {
    const rows = Array.from(
      { length: 200 },
      (_, i): Row => [`key ${second} ${i}`, 1, second * 1000 + i, 1, 1n, `text ${second}`, true],
    )
    harness.operator.processBatch(0, batchOf(INPUT, rows))
    harness.watermark(second * 1000 + 500)
  }
  assert.equal(harness.output.rows().length, 199 * 200)
  const snapshot = await harness.checkpoint(1)
  const keys = snapshot.keyed![0]!.gather(Int32Array.of(0), 1).columns[0]!
  assert.equal(harness.entryCount('groups'), 200)
  assert.ok(keys.kind === 'str' && keys.pool.size < 5000, 'keys that no window needs are forgotten')
})

test('windows wait inside while the output is full, and the watermark behind them', async () => {
  const calls = [call('COUNT', null, BIGINT)]
  const harness = await globalOf(configOf(WINDOWS[0]!, [0], calls, false))
  const rows = Array.from({ length: 5000 }, (_, i): Row => [`${i}`, 1, 500, 1, 1n, 'x', true])
  for (let i = 0; i < 5000; i += 1000) {
    harness.operator.processBatch(0, batchOf(INPUT, rows.slice(i, i + 1000)))
  }
  harness.output.capacity = 1
  harness.watermark(2000)
  assert.equal(harness.operator.isBlocked!(), true)
  assert.deepEqual([harness.output.batchSizes, harness.output.watermarks()], [[2048], []])
  harness.output.capacity = 10
  harness.resume()
  assert.equal(harness.operator.isBlocked!(), false)
  assert.deepEqual(harness.output.batchSizes, [2048, 2048, 904])
  assert.deepEqual(harness.output.elements.at(-1), { kind: 'watermark', timestampMs: 2000 })
})
