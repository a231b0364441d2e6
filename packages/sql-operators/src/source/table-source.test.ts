/**
 * Watermarks, idleness, splits in state and the coordinator's dealing, with a connector whose reader the
 * test feeds.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  CoordinatorContext,
  EnumeratorContext,
  ReaderContext,
  ReaderOutput,
  SourceReader,
  SourceSplit,
  SplitEnumerator,
  TableConnector,
} from '@millrace/connector'
import {
  batchOf,
  type ColumnBatch,
  type LogicalType,
  type OperatorSnapshot,
  type Schema,
} from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type { TableSourceConfig, WatermarkConfig } from '../operator-config.ts'
import { createSqlCoordinatorRegistry } from '../registry/sql-coordinator-registry.ts'
import { createSqlOperatorRegistry } from '../registry/sql-operator-registry.ts'
import { OperatorHarness, restoredState } from '../testing/operator-harness.ts'
import { constantDelayOf } from './watermark-reader.ts'

const TIMESTAMP: LogicalType = { kind: 'TIMESTAMP', precision: 3, nullable: true }
const INT: LogicalType = { kind: 'INT', nullable: true }
const SCHEMA: Schema = {
  fields: [
    { name: 't', type: TIMESTAMP },
    { name: 'v', type: INT },
  ],
}
const rowtime: Expression = { kind: 'column', index: 0, type: TIMESTAMP }
const delayed: Expression = {
  kind: 'call',
  function: 'minus',
  args: [
    rowtime,
    { kind: 'literal', value: 100, type: { kind: 'INTERVAL_DAY_TIME', nullable: false } },
  ],
  type: TIMESTAMP,
}
const WATERMARK: WatermarkConfig = {
  rowtime,
  watermark: delayed,
  idleTimeoutMs: 0,
  emit: 'on-periodic',
  emitIntervalMs: 200,
  emptySplitHolds: false,
}

type Step = { split: string; batch: ColumnBatch } | { finished: string } | { caughtUpEmpty: string }

class FedReader implements SourceReader {
  readonly splits = new Map<string, SourceSplit>()
  readonly steps: Step[] = []
  readonly context: ReaderContext
  noMore = false
  constructor(context: ReaderContext) {
    this.context = context
  }
  start(): void {}
  addSplits(splits: readonly SourceSplit[]): void {
    for (const split of splits) this.splits.set(split.id, split)
  }
  noMoreSplits(): void {
    this.noMore = true
  }
  poll(output: ReaderOutput): 'more' | 'empty' | 'end-of-input' {
    const step = this.steps.shift()
    if (step === undefined) return this.noMore && this.splits.size === 0 ? 'end-of-input' : 'empty'
    if ('batch' in step) output.emit(step.split, step.batch)
    else if ('finished' in step) {
      this.splits.delete(step.finished)
      output.splitFinished(step.finished)
    } else output.splitCaughtUpEmpty(step.caughtUpEmpty)
    return 'more'
  }
  snapshot(): SourceSplit[] {
    return [...this.splits.values()]
  }
  close(): void {}
}

const split = (id: string): SourceSplit => ({
  id,
  description: `topic r, partition ${id}`,
  position: { offset: 0 },
})
const at = (...times: (number | null)[]) =>
  batchOf(
    SCHEMA,
    times.map((t, i) => [t, i]),
  )

async function open(
  watermark: Partial<WatermarkConfig> | null,
  options: { snapshots?: OperatorSnapshot[]; more?: Partial<TableSourceConfig> } = {},
) {
  let reader: FedReader | undefined
  const connector: TableConnector = {
    name: 'fed',
    options: [],
    optionPrefixes: [],
    source: {
      plan: () => ({ bounded: false, config: null }),
      createEnumerator: () => null as never,
      createReader: (_, context) => (reader = new FedReader(context)),
    },
  }
  const config: TableSourceConfig = {
    connector: 'fed',
    tableName: 'readings',
    config: null,
    physicalSchema: SCHEMA,
    projection: [0, 1],
    watermark: watermark === null ? null : { ...WATERMARK, ...watermark },
    filter: null,
    output: null,
    outputSchema: SCHEMA,
    ...options.more,
  }
  const registry = createSqlOperatorRegistry({
    connectors: new Map([['fed', connector]]),
    formats: new Map(),
    platform: null as never,
  })
  const harness = await new OperatorHarness({
    factory: registry.get('table-source')!,
    config,
    outputSchema: config.outputSchema,
    restored: options.snapshots === undefined ? null : restoredState(options.snapshots, 0, 1),
  }).open()
  const assign = (...ids: string[]) =>
    harness.source.handleCoordinatorEvent!({ type: 'assign', splits: ids.map(split) })
  const feed = (...steps: Step[]) => {
    reader!.steps.push(...steps)
    while (harness.source.poll() === 'more');
  }
  return { harness, reader: reader!, assign, feed }
}
const pass = (harness: OperatorHarness, ms: number) => {
  for (let i = 0; i < ms; i += 100) {
    harness.advanceTo(harness.nowMs + 100)
    harness.source.poll()
  }
}

test('the watermark is the smallest over the splits, and goes out periodically', async () => {
  const { harness, assign, feed } = await open({})
  assign('0', '1')
  feed({ split: '0', batch: at(5000, 4000, null) })
  pass(harness, 200)
  assert.deepEqual(harness.output.watermarks(), [], 'split 1 has not said anything')
  feed({ split: '1', batch: at(3000) })
  assert.deepEqual(harness.output.watermarks(), [])
  pass(harness, 200)
  assert.deepEqual(harness.output.watermarks(), [2900])
  feed({ split: '1', batch: at(9000) })
  pass(harness, 200)
  assert.deepEqual(harness.output.watermarks(), [2900, 4900])
})

test('a computed watermark is evaluated row by row', async () => {
  const watermark: Expression = {
    kind: 'case',
    branches: [
      {
        when: {
          kind: 'call',
          function: 'is_null',
          args: [{ kind: 'column', index: 1, type: INT }],
          type: { kind: 'BOOLEAN', nullable: false },
        },
        // biome-ignore lint/suspicious/noThenProperty: a branch of CASE.
        then: { kind: 'literal', value: null, type: TIMESTAMP },
      },
    ],
    otherwise: delayed,
    type: TIMESTAMP,
  }
  const { harness, assign, feed } = await open({ watermark })
  assign('0')
  feed({
    split: '0',
    batch: batchOf(SCHEMA, [
      [9000, null],
      [2000, 1],
    ]),
  })
  pass(harness, 200)
  assert.deepEqual(harness.output.watermarks(), [1900])
})

test('a silent split goes idle after the timeout, and the source with its last one', async () => {
  const { harness, assign, feed } = await open({ idleTimeoutMs: 1000 })
  assign('0', '1')
  feed({ split: '0', batch: at(5000) })
  pass(harness, 600)
  feed({ split: '0', batch: at(6000) })
  pass(harness, 600)
  assert.deepEqual(harness.output.watermarks(), [5900])
  pass(harness, 1000)
  assert.deepEqual(harness.output.elements.at(-1), { kind: 'status', idle: true })
  feed({ split: '1', batch: at(7000) })
  pass(harness, 200)
  assert.deepEqual(harness.output.elements.slice(-2), [
    { kind: 'row', rowKind: 0, values: [7000, 0] },
    { kind: 'watermark', timestampMs: 6900 },
  ])
  assert.ok(harness.output.elements.some((e) => e.kind === 'status' && !e.idle))
})

test('a wall clock that jumps makes no split idle', async () => {
  const { harness, assign, feed } = await open({ idleTimeoutMs: 1000 })
  assign('0', '1')
  feed({ split: '0', batch: at(5000) }, { split: '1', batch: at(1000) })
  harness.wallSkewMs = 3_600_000
  pass(harness, 600)
  assert.deepEqual(harness.output.watermarks(), [900])
  assert.ok(!harness.output.elements.some((e) => e.kind === 'status'))
  assert.equal(harness.metrics.currentEmitEventTimeLag, 1_000_000 - 1000)
})

test('splits that fall silent together let the watermark go on to the furthest of them', async () => {
  // Cause: restored beside a partition without a row, the last rows of a topic never fired their windows.
  const { harness, assign, feed } = await open({ idleTimeoutMs: 1000, emptySplitHolds: true })
  assign('0', '1')
  feed({ split: '0', batch: at(5000) }, { caughtUpEmpty: '1' })
  pass(harness, 900)
  assert.deepEqual(harness.output.watermarks(), [])
  pass(harness, 300)
  assert.deepEqual(harness.output.elements.slice(-2), [
    { kind: 'watermark', timestampMs: 4900 },
    { kind: 'status', idle: true },
  ])
  feed({ split: '1', batch: at(1000) }, { split: '0', batch: at(6000) })
  pass(harness, 200)
  assert.deepEqual(harness.output.watermarks(), [4900], 'split 1 is active again, and behind')
})

test('a split whose rows wait behind a full output does not go idle', async () => {
  const { harness, assign, feed } = await open({ idleTimeoutMs: 1000 })
  assign('0', '1')
  feed({ split: '0', batch: at(5000) }, { split: '1', batch: at(1000) })
  harness.output.capacity = 0
  harness.source.poll()
  for (let i = 0; i < 50; i++) harness.advanceTo(harness.nowMs + 100)
  assert.deepEqual(harness.output.watermarks(), [900])
  assert.ok(!harness.output.elements.some((e) => e.kind === 'status'))
})

test('a split read to its end without a record does not hold the watermark, unless asked to', async () => {
  for (const emptySplitHolds of [false, true]) {
    const { harness, assign, feed } = await open({ emptySplitHolds })
    assign('0', '1')
    feed({ split: '0', batch: at(5000) }, { caughtUpEmpty: '1' })
    pass(harness, 200)
    assert.deepEqual(harness.output.watermarks(), emptySplitHolds ? [] : [4900])
  }
})

test('a source without splits is idle, once the first dealing of splits is over', async () => {
  const { harness } = await open({})
  pass(harness, 1000)
  assert.deepEqual(harness.output.elements, [])
  harness.source.handleCoordinatorEvent!({ type: 'settled' })
  pass(harness, 200)
  assert.deepEqual(harness.output.elements, [{ kind: 'status', idle: true }])
})

test('a finished split stops holding, and the end of all is the last watermark', async () => {
  const { harness, assign, feed } = await open({})
  assign('0', '1')
  harness.source.handleCoordinatorEvent!({ type: 'no-more' })
  feed({ split: '0', batch: at(1000) }, { split: '1', batch: at(8000) }, { finished: '0' })
  pass(harness, 200)
  assert.deepEqual(harness.output.watermarks(), [7900])
  feed({ finished: '1' })
  assert.deepEqual(harness.output.watermarks(), [7900, Number.POSITIVE_INFINITY])
  assert.equal(harness.source.poll(), 'end-of-input')
})

test('the split that holds the watermark is named', async () => {
  const { harness, assign, feed } = await open({})
  assign('0', '1')
  feed({ split: '0', batch: at(5000) })
  pass(harness, 200)
  assert.equal(harness.metrics.watermarkHold?.what, 'topic r, partition 1')
  assert.match(harness.metrics.watermarkHold!.hint, /table\.exec\.source\.idle-timeout/)
  feed({ split: '1', batch: at(6000) })
  pass(harness, 200)
  assert.equal(harness.metrics.watermarkHold, null)
})

test('a subtask whose only split went quiet leaves it to others whether that is a hold', async () => {
  // Cause: with a partition a subtask, a partition that had stopped was never named as what holds the watermark.
  const { harness, assign, feed } = await open({})
  assign('0', '1')
  feed({ split: '0', batch: at(5000) })
  feed({ finished: '1' })
  const holdNow = () => harness.metrics.watermarkHold
  pass(harness, 200)
  assert.equal(holdNow(), null)
  pass(harness, 1500)
  const hold = holdNow()
  assert.deepEqual([hold?.what, hold?.certain], ['topic r, partition 0', false])
  assert.match(hold?.hint ?? '', /^No record for a while; set/)
})

test('watermarks on every event follow each batch', async () => {
  const { harness, assign, feed } = await open({ emit: 'on-event' })
  assign('0')
  feed(
    { split: '0', batch: at(1000) },
    { split: '0', batch: at(500) },
    { split: '0', batch: at(2000) },
  )
  const kinds = harness.output.elements.map((e) =>
    e.kind === 'watermark' ? e.timestampMs : e.kind,
  )
  assert.deepEqual(kinds, ['row', 900, 'row', 'row', 1900])
})

test('filtered rows still move the watermark', async () => {
  const filter: Expression = {
    kind: 'call',
    function: 'is_null',
    args: [{ kind: 'column', index: 1, type: INT }],
    type: { kind: 'BOOLEAN', nullable: false },
  }
  const output: Expression[] = [{ kind: 'column', index: 1, type: INT }]
  const outputSchema = { fields: [SCHEMA.fields[1]!] }
  const { harness, assign, feed } = await open({}, { more: { filter, output, outputSchema } })
  assign('0')
  feed({
    split: '0',
    batch: batchOf(SCHEMA, [
      [1000, null],
      [9000, 1],
    ]),
  })
  pass(harness, 200)
  assert.deepEqual(harness.output.rows(), [[null]])
  assert.deepEqual(harness.output.watermarks(), [8900])
})

test('splits come back from state with their positions', async () => {
  const first = await open({})
  first.assign('0', '1')
  const again = await open({}, { snapshots: [await first.harness.checkpoint(1)] })
  assert.deepEqual([...again.reader.splits.values()], [split('0'), split('1')])
})

test('a restored source goes on from the watermark that it had reached, though no row comes', async () => {
  // Found by simulation seed 1127: windows whose rows were all read never fired after a restart.
  const first = await open({})
  first.assign('0', '1')
  first.feed({ split: '0', batch: at(5000) }, { split: '1', batch: at(3000) })
  const again = await open({}, { snapshots: [await first.harness.checkpoint(1)] })
  pass(again.harness, 200)
  assert.deepEqual(again.harness.output.watermarks(), [2900])
})

test('a restored split that had delivered rows holds the watermark, though it is read to its end', async () => {
  // The same cause: it was taken for one that has never delivered, and its next rows were late.
  const first = await open({})
  first.assign('0', '1')
  first.feed({ split: '0', batch: at(3000) }, { split: '1', batch: at(3000) })
  const again = await open({}, { snapshots: [await first.harness.checkpoint(1)] })
  again.feed({ caughtUpEmpty: '0' }, { split: '1', batch: at(9000) })
  pass(again.harness, 200)
  assert.deepEqual(again.harness.output.watermarks(), [2900])
})

test('whenAvailable resolves when the reader wakes the source', async () => {
  const { harness, reader } = await open(null)
  assert.equal(harness.source.poll(), 'empty')
  let woken = false
  const waiting = harness.source.whenAvailable().then(() => {
    woken = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(woken, false)
  reader.context.wakeUp()
  await waiting
})

test('a constant delay is recognised behind any attribute of the rowtime', () => {
  const declared: Expression = {
    kind: 'column',
    index: 0,
    type: { ...TIMESTAMP, attribute: 'rowtime' } as LogicalType,
  }
  assert.equal(constantDelayOf(declared, delayed), 100)
  assert.equal(constantDelayOf(rowtime, rowtime), 0)
  assert.equal(constantDelayOf({ ...rowtime, index: 1 } as Expression, delayed), null)
})

test('the coordinator tells readers when the first dealing of splits is over, and remembers it', async () => {
  const sent: [number, unknown][] = []
  const scheduled: (() => void)[] = []
  let context: EnumeratorContext | undefined
  const enumerator: SplitEnumerator = {
    start: () => {},
    addReader: (subtask) => {
      if (subtask === 0) context!.assignSplits(0, [split('0')])
    },
    handleReaderEvent: (subtask, event) => sent.push([subtask, { heard: event }]),
    snapshot: () => 'known',
    close: () => {},
  }
  const connector: TableConnector = {
    name: 'fed',
    options: [],
    optionPrefixes: [],
    source: {
      plan: () => ({ bounded: false, config: null }),
      createEnumerator: (_, given) => {
        context = given
        return enumerator
      },
      createReader: () => null as never,
    },
  }
  const coordinatorContext = {
    parallelism: 2,
    sendEvent: (subtask: number, event: unknown) => sent.push([subtask, event]),
    schedule: (_: number, action: () => void) => {
      scheduled.push(action)
      return () => {}
    },
  } as unknown as CoordinatorContext
  const registry = createSqlCoordinatorRegistry({ connectors: new Map([['fed', connector]]) })
  const make = () =>
    registry.get('source-coordinator')!(
      { connector: 'fed', tableName: 't', config: null },
      coordinatorContext,
    )
  const coordinator = make()
  await coordinator.start(null)
  coordinator.subtaskReady(1)
  assert.deepEqual([sent, scheduled.length], [[], 0])
  coordinator.subtaskReady(0)
  for (const action of scheduled.splice(0)) action()
  assert.deepEqual(sent.splice(0), [
    [0, { type: 'assign', splits: [split('0')] }],
    [1, { type: 'settled' }],
    [0, { type: 'settled' }],
  ])
  coordinator.handleEvent(1, { type: 'event', event: 'hello' })
  assert.deepEqual(sent.splice(0), [[1, { heard: 'hello' }]])
  const again = make()
  await again.start(JSON.parse(JSON.stringify(coordinator.snapshot(1))))
  again.subtaskReady(1)
  for (const action of scheduled.splice(0)) action()
  assert.deepEqual(sent, [[1, { type: 'settled' }]])
})
