/** A table source whose connector's reader the test feeds, batch by batch. */
import type {
  ReaderContext,
  ReaderOutput,
  SourceReader,
  SourceSplit,
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
import { createSqlOperatorRegistry } from '../registry/sql-operator-registry.ts'
import { OperatorHarness, restoredState } from './operator-harness.ts'

export const TIMESTAMP: LogicalType = { kind: 'TIMESTAMP', precision: 3, nullable: true }
export const INT: LogicalType = { kind: 'INT', nullable: true }
export const SCHEMA: Schema = {
  fields: [
    { name: 't', type: TIMESTAMP },
    { name: 'v', type: INT },
  ],
}
export const rowtime: Expression = { kind: 'column', index: 0, type: TIMESTAMP }
export const delayed: Expression = {
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
  periodic: true,
  emptySplitHolds: false,
}

type Step = { split: string; batch: ColumnBatch } | { finished: string } | { caughtUpEmpty: string }

export class FedReader implements SourceReader {
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

export const split = (id: string): SourceSplit => ({
  id,
  description: `topic r, partition ${id}`,
  position: { offset: 0 },
})
export const at = (...times: (number | null)[]) =>
  batchOf(
    SCHEMA,
    times.map((t, i) => [t, i]),
  )

export async function openSource(
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
    factory: registry.get('table-source')!.create,
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
export const pass = (harness: OperatorHarness, ms: number) => {
  for (let i = 0; i < ms; i += 100) {
    harness.advanceTo(harness.nowMs + 100)
    harness.source.poll()
  }
}
