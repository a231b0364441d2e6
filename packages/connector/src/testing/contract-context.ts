/**
 * Contexts for readers and writers under test, with everything they ask for recorded.
 */
import { OperatorMetrics, type Schema, type SubtaskInfo } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { jsonFormat } from '../json/json-format.ts'
import type { EnumeratorContext, ReaderContext, WriterContext } from '../table-connector.ts'

export interface ContextSettings {
  readonly platform: Platform
  readonly schema: Schema
  /** All columns by default. */
  readonly projection?: readonly number[]
  readonly subtaskIndex?: number
  readonly parallelism?: number
  readonly checkpointingEnabled?: boolean
  readonly attempt?: number
  readonly leaderEpoch?: number
}

/** What the part under test reported. */
export class ContextRecord {
  readonly errors: unknown[] = []
  readonly metrics = new OperatorMetrics()
  wakeUps = 0
}

function subtaskOf(settings: ContextSettings): SubtaskInfo {
  return {
    jobId: '0123456789abcdef0123456789abcdef',
    jobName: 'contract',
    vertexId: 'v',
    vertexName: 'v',
    operatorId: 'fedcba98765432100123456789abcdef',
    operatorName: 'o',
    subtaskIndex: settings.subtaskIndex ?? 0,
    parallelism: settings.parallelism ?? 1,
    maxParallelism: 128,
    leaderEpoch: settings.leaderEpoch ?? 1,
    attempt: settings.attempt ?? 0,
    taskManagerId: 'tm',
  }
}

function baseOf(settings: ContextSettings, record: ContextRecord) {
  const subtask = subtaskOf(settings)
  return {
    platform: settings.platform,
    jobId: subtask.jobId,
    jobName: subtask.jobName,
    tableName: 'default_catalog.default_database.t',
    subtask,
    metrics: record.metrics,
    schema: settings.schema,
    formats: new Map([['json', jsonFormat]]),
    wakeUp: () => {
      record.wakeUps++
    },
    fail: (error: unknown) => {
      record.errors.push(error)
    },
    checkpointingEnabled: settings.checkpointingEnabled ?? true,
  }
}

export function readerContext(settings: ContextSettings, record: ContextRecord): ReaderContext {
  const projection = settings.projection ?? settings.schema.fields.map((_, k) => k)
  return { ...baseOf(settings, record), projection, sendToEnumerator() {} }
}

export function writerContext(settings: ContextSettings, record: ContextRecord): WriterContext {
  return baseOf(settings, record)
}

/** An enumerator's context in which every reader is registered; assignments go to `onAssign`. */
export function enumeratorContext(
  settings: ContextSettings,
  onAssign: EnumeratorContext['assignSplits'],
  onNoMore: (subtaskIndex: number) => void = () => {},
  onFail: (error: unknown) => void = () => {},
): EnumeratorContext {
  const parallelism = settings.parallelism ?? 1
  const { clock } = settings.platform
  return {
    ...baseOf(settings, new ContextRecord()),
    parallelism,
    registeredReaders: () => Array.from({ length: parallelism }, (_, i) => i),
    assignSplits: onAssign,
    signalNoMoreSplits: onNoMore,
    sendToReader() {},
    schedule: (delayMs, action) => clock.setTimer(delayMs, action),
    fail: onFail,
  }
}
