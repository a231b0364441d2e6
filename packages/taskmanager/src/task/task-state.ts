/**
 * TaskState: the door of one subtask to package `state` — what its operators start from, and where
 * their snapshots go.
 *
 * Invariant: state is keyed by operator id, and a subtask reads and writes only its own key groups.
 */
import {
  type CheckpointOrder,
  type Configuration,
  type KeyGroupRange,
  keyGroupRangeOf,
  type OperatorSnapshot,
  type OperatorStateHandles,
  type RestoredOperatorState,
  type StatePart,
  type SubtaskStateHandles,
  stateSizeOf,
} from '@millrace/core'
import type { Platform } from '@millrace/platform'
import type { TaskDeployment } from '@millrace/protocol'
import {
  carried,
  checkpointPath,
  inlineBytes,
  openRestoredState,
  STATE_MEMORY_THRESHOLD,
  sharedPath,
  stateError,
  writeOperatorSnapshot,
} from '@millrace/state'
import { StateChains } from './state-chains.ts'

export interface WrittenState {
  readonly handles: SubtaskStateHandles
  /** That this checkpoint wrote. */
  readonly bytes: number
  /** Of all state that it refers to. */
  readonly stateBytes: number
}

export class TaskState {
  readonly #deployment: TaskDeployment
  readonly #platform: Platform
  readonly #memoryThreshold: number
  readonly #chains = new StateChains()

  constructor(deployment: TaskDeployment, configuration: Configuration, platform: Platform) {
    this.#deployment = deployment
    this.#platform = platform
    this.#memoryThreshold = configuration.get(STATE_MEMORY_THRESHOLD)
  }

  /**
   * Operator id → the state that it starts from; empty in a fresh start. An operator without state
   * in the checkpoint gets one without content, so that it still learns the checkpoint's id.
   */
  async restore(): Promise<Map<string, RestoredOperatorState>> {
    const { restored, vertex, subtaskIndex } = this.#deployment
    const states = new Map<string, RestoredOperatorState>()
    if (restored === null) return states
    this.#chains.restored(restored.checkpointId, restored.operators)
    const keyGroupRange = keyGroupRangeOf(subtaskIndex, vertex.parallelism, vertex.maxParallelism)
    for (const operator of vertex.operators) {
      const handles = restored.operators[operator.id] ?? { parts: [] }
      states.set(
        operator.id,
        await openRestoredState({
          handles,
          checkpointId: restored.checkpointId,
          keyGroupRange,
          filesystem: this.#platform.filesystem,
          operator: operator.name,
        }),
      )
    }
    return states
  }

  /** The checkpoint since which the operator's changes are wanted; null: all that it holds. */
  sinceOf(order: CheckpointOrder, operatorId: string): number | null {
    const base = this.#chains.base(order, operatorId)
    return base === null ? null : (order.incremental?.since ?? null)
  }

  /** The checkpoint was given up. */
  forget(checkpointId: number): void {
    this.#chains.forget(checkpointId)
  }

  /** Makes the snapshots durable; operators without state are left out. */
  async write(
    order: CheckpointOrder,
    snapshots: ReadonlyMap<string, OperatorSnapshot>,
    keyGroupRange: KeyGroupRange,
    signal: AbortSignal,
  ): Promise<WrittenState> {
    const handles: Record<string, OperatorStateHandles> = {}
    let bytes = 0
    let stateBytes = 0
    for (const [operatorId, snapshot] of snapshots) {
      const base = this.#baseOf(order, operatorId, snapshot)
      const isShared = order.incremental !== undefined && (snapshot.keyed ?? []).length > 0
      const written = await writeOperatorSnapshot(snapshot, {
        ...this.#target(order, isShared),
        operatorId,
        keyGroupRange,
        memoryThreshold: Math.max(0, this.#memoryThreshold - inlineBytes(base)),
        signal,
      })
      const parts = [...base, ...written.parts]
      if (isShared) {
        const next = written.keyedRows > 0 ? [...base, ...carried(written.parts)] : base
        this.#chains.written(order.id, operatorId, next)
      }
      if (parts.length === 0) continue
      handles[operatorId] = { parts }
      bytes += stateSizeOf(written)
      stateBytes += stateSizeOf({ parts })
    }
    return { handles, bytes, stateBytes }
  }

  /** What a snapshot of changes builds upon; nothing, when it is whole. */
  #baseOf(
    order: CheckpointOrder,
    operatorId: string,
    { keyed = [] }: OperatorSnapshot,
  ): readonly StatePart[] {
    const base = this.#chains.base(order, operatorId) ?? []
    const whole = keyed.filter(({ since }) => since === null)
    if (whole.length === keyed.length) return []
    if (whole.length === 0) return base
    // What left a table that is given whole would come back with what the others build upon.
    throw stateError(
      'STATE_SNAPSHOT_INVALID',
      `State '${whole[0]?.name}' is whole where other state of operator ${operatorId} is not.`,
    )
  }

  #target(order: CheckpointOrder, isShared: boolean) {
    const { subtaskIndex, attempt } = this.#deployment
    const { filesystem, clock } = this.#platform
    const directory = this.#directoryOf(order, isShared)
    return { directory, checkpointId: order.id, subtaskIndex, attempt, isShared, filesystem, clock }
  }

  /** A savepoint's files are beside no checkpoint's; null: everything stays inline. */
  #directoryOf({ id, kind }: CheckpointOrder, isShared: boolean): string | null {
    if (kind !== 'checkpoint') return kind.savepoint
    const directory = this.#deployment.checkpointing?.directory ?? null
    if (directory === null || directory === '') return null
    return isShared ? sharedPath(directory) : checkpointPath(directory, id)
  }
}
