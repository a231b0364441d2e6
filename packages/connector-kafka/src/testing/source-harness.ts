/**
 * Runs a Kafka source without a cluster: an enumerator and its readers in one process, for tests
 * and benchmarks.
 */
import type {
  ConnectorContext,
  EnumeratorContext,
  SourceReader,
  SourceSplit,
  TableConnector,
} from '@millrace/connector'
import { type ColumnBatch, OperatorMetrics, type SubtaskInfo } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { RAW_SCHEMA, rawFormat } from './raw-format.ts'

export function subtaskInfo(
  subtaskIndex: number,
  parallelism: number,
  more: Partial<SubtaskInfo> = {},
): SubtaskInfo {
  return {
    jobId: 'job',
    jobName: 'test-job',
    vertexId: 'vertex',
    vertexName: 'vertex',
    operatorId: 'operator',
    operatorName: 'operator',
    subtaskIndex,
    parallelism,
    maxParallelism: 128,
    leaderEpoch: 1,
    attempt: 0,
    taskManagerId: 'tm',
    ...more,
  }
}

export function planTable(options: Readonly<Record<string, string>>) {
  return {
    tableName: 'c.d.t',
    schema: RAW_SCHEMA,
    options: { format: 'raw', ...options },
    formats: new Map([['raw', rawFormat]]),
  }
}

export interface SourceRun {
  readonly readers: readonly SourceReader[]
  readonly metrics: readonly OperatorMetrics[]
  /** Rejects with the first failure of enumerator or readers. */
  readonly failure: Promise<never>
  readonly enumeratorState: () => unknown
  /** Polls until every reader is at its end or `until` says enough. Resolves after that. */
  drain(
    onBatch: (batch: ColumnBatch, splitId: string, reader: number) => void,
    until?: () => boolean,
    events?: { caughtUp?: (splitId: string) => void; finished?: (splitId: string) => void },
  ): Promise<void>
  close(): Promise<void>
}

export async function runSource(
  connector: TableConnector,
  platform: Platform,
  options: Readonly<Record<string, string>>,
  parallelism = 1,
  restored: {
    readonly enumerator: unknown
    readonly splits: readonly (readonly SourceSplit[])[]
  } | null = null,
): Promise<SourceRun> {
  const source = connector.source
  if (source === undefined) throw new Error('no source')
  const table = planTable(options)
  const { config } = source.plan(table)
  const base: ConnectorContext = {
    platform,
    jobId: 'job',
    jobName: 'test-job',
    tableName: table.tableName,
  }
  let fail: (error: unknown) => void = () => {}
  const failure = new Promise<never>((_, reject) => {
    fail = reject
  })
  failure.catch(() => {})
  let wake: () => void = () => {}
  const metrics = Array.from({ length: parallelism }, () => new OperatorMetrics())
  const readers = metrics.map((metric, index) =>
    source.createReader(config, {
      ...base,
      subtask: subtaskInfo(index, parallelism),
      metrics: metric,
      schema: RAW_SCHEMA,
      projection: [0],
      formats: table.formats,
      sendToEnumerator: () => {},
      wakeUp: () => wake(),
      fail,
      checkpointingEnabled: true,
    }),
  )
  const cancels = new Set<() => void>()
  const context: EnumeratorContext = {
    ...base,
    parallelism,
    registeredReaders: () => [],
    fail,
    assignSplits: (index, splits) => readers[index]?.addSplits(splits),
    signalNoMoreSplits: (index) => readers[index]?.noMoreSplits(),
    sendToReader: () => {},
    schedule: (delayMs, action) => {
      const cancel = platform.clock.setTimer(delayMs, action)
      cancels.add(cancel)
      return cancel
    },
  }
  const enumerator = source.createEnumerator(config, context)
  const close = async () => {
    for (const cancel of cancels) cancel()
    await Promise.all(readers.map((reader) => reader.close()))
    await enumerator.close()
  }
  try {
    await enumerator.start(restored?.enumerator ?? null)
    await Promise.all(readers.map((reader) => reader.start()))
    readers.forEach((reader, index) => {
      reader.addSplits(restored?.splits[index] ?? [])
      enumerator.addReader(index)
    })
  } catch (error) {
    await close()
    throw error
  }
  return {
    readers,
    metrics,
    failure,
    close,
    enumeratorState: () => enumerator.snapshot(1),
    drain: (onBatch, until, events) =>
      drainReaders(
        readers,
        { failure, setWake: (action) => (wake = action) },
        onBatch,
        until,
        events,
      ),
  }
}

type Drain = SourceRun['drain']

async function drainReaders(
  readers: readonly SourceReader[],
  run: { readonly failure: Promise<never>; setWake(action: () => void): void },
  onBatch: Parameters<Drain>[0],
  until: () => boolean = () => false,
  events: Parameters<Drain>[2] = {},
): Promise<void> {
  const ended = new Set<number>()
  while (ended.size < readers.length && !until()) {
    const woken = new Promise<void>((done) => run.setWake(done))
    let busy = false
    for (let index = 0; index < readers.length; index++) {
      if (ended.has(index)) continue
      const result = readers[index]?.poll({
        emit: (splitId, batch) => onBatch(batch, splitId, index),
        splitCaughtUpEmpty: (splitId) => events.caughtUp?.(splitId),
        splitFinished: (splitId) => events.finished?.(splitId),
      })
      if (result === 'more') busy = true
      if (result === 'end-of-input') ended.add(index)
    }
    if (!busy && ended.size < readers.length && !until()) await Promise.race([woken, run.failure])
    else await new Promise<void>((done) => setImmediate(done))
  }
}
