/**
 * TaskState: the door of one subtask to package `state` — what its operators start from, and where
 * their snapshots go.
 *
 * Invariant: state is keyed by operator id, and a subtask reads and writes only its own key groups.
 */
import {
  type Configuration,
  type KeyGroupRange,
  keyGroupRangeOf,
  type OperatorSnapshot,
  type RestoredOperatorState,
} from '@millrace/core'
import type { Platform } from '@millrace/platform'
import type { TaskDeployment } from '@millrace/protocol'
import {
  type OperatorStateHandles,
  openRestoredState,
  STATE_MEMORY_THRESHOLD,
  type SubtaskStateHandles,
  stateSizeOf,
  writeOperatorSnapshot,
} from '@millrace/state'

export interface WrittenState {
  readonly handles: SubtaskStateHandles
  readonly bytes: number
}

export class TaskState {
  readonly #deployment: TaskDeployment
  readonly #platform: Platform
  readonly #memoryThreshold: number

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
    const keyGroupRange = keyGroupRangeOf(subtaskIndex, vertex.parallelism, vertex.maxParallelism)
    for (const operator of vertex.operators) {
      const handles = (restored.operators[operator.id] ?? { parts: [] }) as OperatorStateHandles
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

  /** Makes the snapshots durable; operators without state are left out. */
  async write(
    checkpointId: number,
    snapshots: ReadonlyMap<string, OperatorSnapshot>,
    keyGroupRange: KeyGroupRange,
    signal: AbortSignal,
  ): Promise<WrittenState> {
    const handles: Record<string, OperatorStateHandles> = {}
    let bytes = 0
    for (const [operatorId, snapshot] of snapshots) {
      const written = await writeOperatorSnapshot(snapshot, {
        directory: this.#deployment.checkpointing?.directory ?? null,
        checkpointId,
        operatorId,
        subtaskIndex: this.#deployment.subtaskIndex,
        attempt: this.#deployment.attempt,
        keyGroupRange,
        memoryThreshold: this.#memoryThreshold,
        filesystem: this.#platform.filesystem,
        clock: this.#platform.clock,
        signal,
      })
      if (written.parts.length === 0) continue
      handles[operatorId] = written
      bytes += stateSizeOf(written)
    }
    return { handles, bytes }
  }
}
