/**
 * OperatorHarness: one operator between test input and recorded output, with a clock, timers and
 * checkpoints under the test's hand.
 *
 * Output batches are recorded as rows of values at once, since their arrays may be reused. State
 * goes through a snapshot in the shape in which it is restored: keyed rows dealt by key group, list
 * items round robin, union items to all.
 */
import {
  type ChainedOperator,
  type ColumnBatch,
  ColumnBatchBuilder,
  Configuration,
  keyGroupRangeOf,
  NO_KEY_GROUP,
  type Operator,
  type OperatorContext,
  type OperatorFactory,
  OperatorInputs,
  OperatorMetrics,
  type OperatorSnapshot,
  type Output,
  type RestoredOperatorState,
  rowsOf,
  type Schema,
  type SourceOperator,
  type Value,
} from '@millrace/core'
import { type BackendState, ResidentKeyedState } from '@millrace/state'

export type Recorded =
  | { readonly kind: 'row'; readonly rowKind: number; readonly values: readonly Value[] }
  | { readonly kind: 'watermark'; readonly timestampMs: number }
  | { readonly kind: 'status'; readonly idle: boolean }

export class RecordingOutput implements Output {
  readonly elements: Recorded[] = []
  readonly batchSizes: number[] = []
  /** Batches accepted before the output says that it is full; refilled by the test. */
  capacity = Number.POSITIVE_INFINITY
  readonly #schema: Schema

  constructor(schema: Schema) {
    this.#schema = schema
  }

  emitBatch(batch: ColumnBatch): void {
    this.capacity--
    this.batchSizes.push(batch.rowCount)
    rowsOf(batch, this.#schema).forEach((values, row) => {
      const rowKind = batch.rowKinds === null ? 0 : batch.rowKinds[row]!
      this.elements.push({ kind: 'row', rowKind, values })
    })
  }

  emitWatermark(timestampMs: number): void {
    this.elements.push({ kind: 'watermark', timestampMs })
  }

  emitWatermarkStatus(idle: boolean): void {
    this.elements.push({ kind: 'status', idle })
  }

  isAvailable(): boolean {
    return this.capacity > 0
  }

  rows(): (readonly Value[])[] {
    return this.elements.flatMap((element) => (element.kind === 'row' ? [element.values] : []))
  }

  watermarks(): number[] {
    return this.elements.flatMap((e) => (e.kind === 'watermark' ? [e.timestampMs] : []))
  }
}

export interface HarnessOptions {
  /** `create` of a factory. */
  readonly factory: OperatorFactory['create']
  readonly config: unknown
  readonly outputSchema: Schema
  readonly subtaskIndex?: number
  readonly parallelism?: number
  readonly maxParallelism?: number
  /** Of the subtask; 0 by default. */
  readonly attempt?: number
  readonly restored?: RestoredOperatorState | null
  readonly checkpointingEnabled?: boolean
  readonly configuration?: Readonly<Record<string, string>>
  readonly coordinator?: (event: unknown) => Promise<unknown> | unknown
  readonly startMs?: number
  /** In memory when left out. */
  readonly state?: BackendState
}

interface Timer {
  readonly atMs: number
  readonly action: () => void
  cancelled: boolean
}

export class OperatorHarness {
  readonly output: RecordingOutput
  readonly metrics = new OperatorMetrics()
  readonly context: OperatorContext
  readonly state: BackendState
  readonly failures: unknown[] = []
  /** Monotonic time; the wall clock shows that and `wallSkewMs`. */
  nowMs: number
  wallSkewMs = 0
  readonly #made: ChainedOperator
  readonly #inputs: OperatorInputs | null
  readonly #timers: Timer[] = []

  constructor(options: HarnessOptions) {
    this.nowMs = options.startMs ?? 1_000_000
    this.output = new RecordingOutput(options.outputSchema)
    const maxParallelism = options.maxParallelism ?? 128
    this.state =
      options.state ??
      new ResidentKeyedState({
        maxParallelism,
        nowMs: () => this.nowMs + this.wallSkewMs,
        tracksChanges: options.configuration?.['execution.checkpointing.incremental'] === 'true',
      })
    this.context = {
      subtask: {
        jobId: 'a'.repeat(32),
        jobName: 'test',
        vertexId: 'b'.repeat(32),
        vertexName: 'vertex',
        operatorId: 'c'.repeat(32),
        operatorName: 'operator',
        subtaskIndex: options.subtaskIndex ?? 0,
        parallelism: options.parallelism ?? 1,
        maxParallelism,
        leaderEpoch: 1,
        attempt: options.attempt ?? 0,
        taskManagerId: 'tm-1',
      },
      configuration: new Configuration(options.configuration ?? {}),
      mailbox: {
        post: (action) => action(),
        schedule: (delayMs, action) => {
          const timer = { atMs: this.nowMs + delayMs, action, cancelled: false }
          this.#timers.push(timer)
          return () => {
            timer.cancelled = true
          }
        },
        fail: (error) => this.failures.push(error),
      },
      metrics: this.metrics,
      output: this.output,
      nowMs: () => this.nowMs + this.wallSkewMs,
      monotonicMs: () => this.nowMs,
      state: this.state,
      restored: options.restored ?? null,
      sendToCoordinator: async (event) => options.coordinator?.(event),
      checkpointingEnabled: options.checkpointingEnabled ?? true,
    }
    this.#made = options.factory(options.config, this.context)
    this.#inputs =
      this.#made.kind === 'source'
        ? null
        : new OperatorInputs(this.#made.operator, 1, this.output, this.metrics)
  }

  get operator(): Operator {
    if (this.#made.kind !== 'operator') throw new Error('A source')
    return this.#made.operator
  }

  /** What the task does with watermarks, idleness and the end of the operator's one input. */
  get inputs(): OperatorInputs {
    if (this.#inputs === null) throw new Error('A source')
    return this.#inputs
  }

  watermark(timestampMs: number): void {
    this.inputs.watermark(0, timestampMs)
  }

  /** The output has room again. */
  resume(): void {
    this.operator.resume?.()
    this.inputs.settle()
  }

  get source(): SourceOperator {
    if (this.#made.kind !== 'source') throw new Error('Not a source')
    return this.#made.operator
  }

  async open(): Promise<this> {
    if (this.context.restored !== null) await this.state.restore(this.context.restored)
    await this.#made.operator.open()
    return this
  }

  /** Moves the clock on, running timers at their times. */
  advanceTo(nowMs: number): void {
    for (;;) {
      const due = this.#timers
        .filter((timer) => !timer.cancelled && timer.atMs <= nowMs)
        .sort((a, b) => a.atMs - b.atMs)[0]
      if (due === undefined) break
      this.nowMs = Math.max(this.nowMs, due.atMs)
      due.cancelled = true
      due.action()
    }
    this.nowMs = nowMs
  }

  /** Entries in the keyed state. */
  entryCount(name: string): number {
    const table = this.state.freeze(0, null).find((frozen) => frozen.name === name)!
    const keyGroups = new Uint16Array(table.positionCount)
    table.keyGroups(0, table.positionCount, keyGroups)
    table.release()
    return keyGroups.filter((keyGroup) => keyGroup !== NO_KEY_GROUP).length
  }

  async checkpoint(checkpointId: number): Promise<OperatorSnapshot> {
    await this.#made.operator.prepareBarrier?.(checkpointId)
    const own = this.#made.operator.snapshot(checkpointId)
    return { ...own, keyed: [...this.state.freeze(checkpointId, null), ...(own.keyed ?? [])] }
  }
}

/**
 * The state that subtask `subtaskIndex` of `parallelism` gets from the snapshots of all subtasks
 * of a checkpoint.
 */
export function restoredState(
  snapshots: readonly OperatorSnapshot[],
  subtaskIndex: number,
  parallelism: number,
  maxParallelism = 128,
  checkpointId = 1,
): RestoredOperatorState {
  const range = keyGroupRangeOf(subtaskIndex, parallelism, maxParallelism)
  return {
    checkpointId,
    async *readKeyed(name, schema) {
      const builders = new Map<number, ColumnBatchBuilder>()
      for (const snapshot of snapshots) {
        for (const table of snapshot.keyed ?? []) {
          if (table.name !== name) continue
          if (JSON.stringify(table.schema) !== JSON.stringify(schema)) {
            throw new Error(`Schema of ${name} differs`)
          }
          const keyGroups = new Uint16Array(table.positionCount)
          table.keyGroups(0, table.positionCount, keyGroups)
          for (let at = 0; at < table.positionCount; at++) {
            const keyGroup = keyGroups[at]!
            if (keyGroup < range.start || keyGroup > range.end) continue
            const builder = builders.get(keyGroup) ?? new ColumnBatchBuilder(schema)
            builders.set(keyGroup, builder)
            builder.appendFrom(table.gather(Int32Array.of(at), 1), 0)
          }
        }
      }
      for (const [keyGroup, builder] of builders) yield { keyGroup, rows: builder.build() }
    },
    readList(name) {
      const items = snapshots.flatMap((snapshot) => snapshot.list?.[name] ?? [])
      return items.filter((_, index) => index % parallelism === subtaskIndex)
    },
    readUnion(name) {
      return snapshots.flatMap((snapshot) => snapshot.union?.[name] ?? [])
    },
  }
}
