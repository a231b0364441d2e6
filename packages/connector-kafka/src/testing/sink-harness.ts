/** Makes a Kafka writer without a cluster, for tests. */
import type { SinkWriter, TableConnector } from '@millrace/connector'
import { OperatorMetrics, type SubtaskInfo } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { RAW_SCHEMA } from './raw-format.ts'
import { planTable, subtaskInfo } from './source-harness.ts'

export interface SinkRun {
  readonly writer: SinkWriter
  readonly metrics: OperatorMetrics
  /** Rejects when the writer fails from a callback. */
  readonly failure: Promise<never>
  /** Resolves when the writer takes rows again. */
  available(): Promise<void>
}

export function makeWriter(
  connector: TableConnector,
  platform: Platform,
  options: Readonly<Record<string, string>>,
  settings: Partial<SubtaskInfo> & { readonly checkpointing?: boolean } = {},
): SinkRun {
  if (connector.sink === undefined) throw new Error('no sink')
  const table = planTable(options)
  const metrics = new OperatorMetrics()
  let fail: (error: unknown) => void = () => {}
  let wake: () => void = () => {}
  const failure = new Promise<never>((_, reject) => {
    fail = reject
  })
  failure.catch(() => {})
  const { subtaskIndex = 0, parallelism = 1, checkpointing = true, ...more } = settings
  const subtask = subtaskInfo(subtaskIndex, parallelism, more)
  const writer = connector.sink.createWriter(connector.sink.plan(table).config, {
    platform,
    jobId: subtask.jobId,
    jobName: subtask.jobName,
    tableName: table.tableName,
    subtask,
    metrics,
    schema: RAW_SCHEMA,
    formats: table.formats,
    wakeUp: () => wake(),
    fail,
    checkpointingEnabled: checkpointing,
  })
  return {
    writer,
    metrics,
    failure,
    async available() {
      while (!writer.isAvailable()) {
        const woken = new Promise<void>((done) => {
          wake = done
        })
        if (!writer.isAvailable()) await Promise.race([woken, failure])
      }
    },
  }
}
