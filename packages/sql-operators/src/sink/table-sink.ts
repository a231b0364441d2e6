/**
 * `table-sink`: a connector's writer inside a subtask, with commit when a checkpoint is
 * complete.
 *
 * End of the record path. Rows go to the writer; at the barrier the writer flushes and pre-
 * commits; what it pre-committed stays in `#pending`, and in every snapshot, until `commit` has
 * succeeded for it.
 *
 * Invariant: a committable is forgotten only after its commit, so that any checkpoint restored
 * later still knows it; commits of recovered committables happen in the writer's `open`, before
 * any new row is written.
 */
import type { Committable, ConnectorRegistry, Format, SinkWriter } from '@millrace/connector'
import type {
  ColumnBatch,
  FinishBasis,
  Operator,
  OperatorContext,
  OperatorSnapshot,
  RestoredOperatorState,
} from '@millrace/core'
import type { Platform } from '@millrace/platform'
import type { TableSinkConfig } from '../operator-config.ts'
import { findConnector } from '../source/find-connector.ts'
import { StrayWatch } from './stray-watch.ts'

const COMMITTABLES = 'committables'
const WRITER_STATE = 'writer-state'

export interface TableSinkParts {
  readonly connectors: ConnectorRegistry
  readonly formats: ReadonlyMap<string, Format>
  readonly platform: Platform
}

export class TableSink implements Operator {
  readonly #context: OperatorContext
  readonly #writer: SinkWriter
  /** Pre-committed and not yet committed, by checkpoint, oldest first. */
  readonly #pending = new Map<number, readonly Committable[]>()
  #writerState: readonly Uint8Array[] = []
  readonly #strays: StrayWatch

  constructor(config: TableSinkConfig, context: OperatorContext, parts: TableSinkParts) {
    this.#context = context
    const sink = findConnector(parts.connectors, config.connector, 'sink', config.tableName)
    this.#writer = sink.createWriter(config.config, {
      platform: parts.platform,
      jobId: context.subtask.jobId,
      jobName: context.subtask.jobName,
      tableName: config.tableName,
      subtask: context.subtask,
      metrics: context.metrics,
      schema: config.schema,
      formats: parts.formats,
      // Any turn of the mailbox makes the task ask `isBlocked` again.
      wakeUp: () => context.mailbox.post(() => {}),
      fail: (error) => context.mailbox.fail(error),
      checkpointingEnabled: context.checkpointingEnabled,
    })
    this.#strays = new StrayWatch(parts.platform, config.tableName, async () => {
      await this.#writer.removeStrays?.()
    })
  }

  async open(): Promise<void> {
    const restored = this.#context.restored
    if (restored === null) return this.#writer.open(null)
    const committables = restored.readList(COMMITTABLES).map(decodeTagged)
    committables.sort((a, b) => a.checkpointId - b.checkpointId)
    await this.#writer.open({
      checkpointId: restored.checkpointId,
      // Lists: also what earlier builds stored of a writer that shares its states.
      states: [...restored.readUnion(WRITER_STATE), ...restored.readList(WRITER_STATE)],
      committables: committables.map((item) => item.committable),
    })
  }

  processBatch(_input: number, batch: ColumnBatch): void {
    this.#writer.write(batch)
  }

  endInput(): void {}

  isBlocked(): boolean {
    return !this.#writer.isAvailable()
  }

  async prepareBarrier(checkpointId: number): Promise<void> {
    const committables = await this.#writer.prepareCommit(checkpointId)
    if (committables.length > 0) this.#pending.set(checkpointId, committables)
    this.#writerState = this.#writer.snapshotState(checkpointId)
  }

  snapshot(): OperatorSnapshot {
    const tagged: Uint8Array[] = []
    for (const [checkpointId, committables] of this.#pending) {
      for (const committable of committables) tagged.push(encodeTagged(checkpointId, committable))
    }
    const states = { [WRITER_STATE]: this.#writerState }
    return this.#writer.sharesStates === true
      ? { list: { [COMMITTABLES]: tagged }, union: states }
      : { list: { [COMMITTABLES]: tagged, ...states } }
  }

  async notifyCheckpointComplete(checkpointId: number): Promise<void> {
    await this.#commitThrough(checkpointId)
    this.#strays.checkpointComplete()
  }

  /** Behind a checkpoint all that is pending is part of it; behind an earlier one it is not. */
  async finish(basis: FinishBasis): Promise<void> {
    const isEarlier = basis.kind === 'earlier-checkpoint'
    await this.#commitThrough(isEarlier ? basis.checkpointId : Number.POSITIVE_INFINITY)
    if (isEarlier) await this.#writer.abandon?.([...this.#pending.values()].flat())
    if (basis.kind === 'end-of-input') await this.#writer.finish()
    await this.#strays.finish()
  }

  async close(): Promise<void> {
    await this.#writer.close()
  }

  /**
   * Commits in checkpoint order; an aborted checkpoint's committables go with the
   * next complete one.
   */
  async #commitThrough(checkpointId: number): Promise<void> {
    for (const id of [...this.#pending.keys()].sort((a, b) => a - b)) {
      if (id > checkpointId) break
      const committables = this.#pending.get(id)
      if (committables === undefined) continue
      await this.#writer.commit(committables)
      this.#pending.delete(id)
    }
  }
}

/** What a sink has pre-committed, and not seen committed, in a checkpoint. */
export function readCommittables(restored: RestoredOperatorState): Committable[] {
  return restored.readList(COMMITTABLES).map((bytes) => decodeTagged(bytes).committable)
}

/** Checkpoint id (8 bytes, big endian) then the committable. */
function encodeTagged(checkpointId: number, committable: Committable): Uint8Array {
  const bytes = new Uint8Array(8 + committable.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(checkpointId))
  bytes.set(committable, 8)
  return bytes
}

function decodeTagged(bytes: Uint8Array): { checkpointId: number; committable: Committable } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { checkpointId: Number(view.getBigUint64(0)), committable: bytes.subarray(8) }
}
