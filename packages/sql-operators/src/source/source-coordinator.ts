/**
 * `source-coordinator`: puts a connector's split enumerator behind the JobManager's
 * OperatorCoordinator interface.
 *
 * Stands in the JobManager, opposite of the `table-source` operators. Sends `{type:'assign',
 * splits}`, `{type:'no-more'}`, `{type:'event', event}` and `{type:'settled'}` to readers.
 * `settled` says that the first dealing of splits is over, so that a reader without a split may go
 * idle: before that, idleness would let the watermark overtake splits still under way.
 *
 * Invariant: the enumerator hears of a reader once an attempt, and only while that attempt runs.
 */
import type {
  ConnectorRegistry,
  CoordinatorContext,
  OperatorCoordinator,
  SourceSplit,
  SplitEnumerator,
} from '@millrace/connector'
import { sqlOperatorError } from '../error-codes.ts'
import { findConnector } from './find-connector.ts'

export interface SourceCoordinatorConfig {
  readonly connector: string
  readonly tableName: string
  /** `SourcePlan.config`. */
  readonly config: unknown
}

/** From the coordinator to a reader. */
export type SourceEvent =
  | { readonly type: 'assign'; readonly splits: readonly SourceSplit[] }
  | { readonly type: 'no-more' }
  | { readonly type: 'settled' }
  | { readonly type: 'event'; readonly event: unknown }

interface SourceCoordinatorState {
  readonly settled: boolean
  readonly enumerator: unknown
}

export class SourceCoordinator implements OperatorCoordinator {
  readonly #config: SourceCoordinatorConfig
  readonly #context: CoordinatorContext
  readonly #enumerator: SplitEnumerator
  readonly #ready = new Set<number>()
  readonly #told = new Set<number>()
  #settled = false
  #settleScheduled = false
  #closed = false

  constructor(
    config: SourceCoordinatorConfig,
    context: CoordinatorContext,
    connectors: ConnectorRegistry,
  ) {
    this.#config = config
    this.#context = context
    const source = findConnector(connectors, config.connector, 'source', config.tableName)
    this.#enumerator = source.createEnumerator(config.config, {
      platform: context.platform,
      jobId: context.jobId,
      jobName: context.jobName,
      tableName: config.tableName,
      parallelism: context.parallelism,
      registeredReaders: () => [...this.#ready].sort((a, b) => a - b),
      assignSplits: (subtask, splits) => this.#assign(subtask, splits),
      signalNoMoreSplits: (subtask) => {
        this.#context.sendEvent(subtask, { type: 'no-more' } satisfies SourceEvent)
        this.#settleSoon()
      },
      sendToReader: (subtask, event) =>
        this.#context.sendEvent(subtask, { type: 'event', event } satisfies SourceEvent),
      schedule: (delayMs, action) => context.schedule(delayMs, action),
      fail: (error) => context.failJob(error),
    })
  }

  async start(restored: unknown): Promise<void> {
    const state = (restored ?? null) as SourceCoordinatorState | null
    if (state !== null) this.#settled = state.settled
    await this.#enumerator.start(state === null ? null : state.enumerator)
  }

  subtaskReady(subtaskIndex: number): void {
    if (this.#ready.has(subtaskIndex)) return
    this.#ready.add(subtaskIndex)
    this.#enumerator.addReader(subtaskIndex)
    if (this.#settled) this.#settleSoon()
  }

  subtaskFailed(subtaskIndex: number): void {
    this.#ready.delete(subtaskIndex)
    this.#told.delete(subtaskIndex)
  }

  handleEvent(subtaskIndex: number, event: unknown): unknown {
    const message = event as SourceEvent | null
    if (message?.type === 'event') {
      this.#enumerator.handleReaderEvent(subtaskIndex, message.event)
      return { accepted: true }
    }
    throw sqlOperatorError(
      'COORDINATOR_EVENT_UNKNOWN',
      `Use one version of Millrace in the whole cluster; the source ${this.#config.tableName} sent event '${message?.type}'.`,
    )
  }

  snapshot(checkpointId: number): SourceCoordinatorState {
    return { settled: this.#settled, enumerator: this.#enumerator.snapshot(checkpointId) }
  }

  waitsFor(): string | null {
    const outside = this.#enumerator.waitsFor?.() ?? null
    return outside === null ? null : `table ${this.#config.tableName} waits for ${outside}`
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.#enumerator.notifyCheckpointComplete?.(checkpointId)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#enumerator.close()
  }

  #assign(subtaskIndex: number, splits: readonly SourceSplit[]): void {
    this.#context.sendEvent(subtaskIndex, { type: 'assign', splits } satisfies SourceEvent)
    this.#settleSoon()
  }

  /** After the enumerator's present turn, so that everything it deals out in it goes first. */
  #settleSoon(): void {
    if (this.#settleScheduled) return
    this.#settleScheduled = true
    this.#context.schedule(0, () => {
      this.#settleScheduled = false
      if (this.#closed) return
      this.#settled = true
      for (const subtask of this.#ready) {
        if (this.#told.has(subtask)) continue
        this.#told.add(subtask)
        this.#context.sendEvent(subtask, { type: 'settled' } satisfies SourceEvent)
      }
    })
  }
}
