/**
 * TaskState: the door of one subtask to package `state` — what its operators start from, and where
 * their snapshots go.
 *
 * Invariant: state is keyed by operator id, and a subtask reads and writes only its own key groups.
 */
import {
  type ChannelStateHandle,
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
import type { ReplayStream } from '@millrace/network'
import type { Filesystem, Platform } from '@millrace/platform'
import type { TaskDeployment } from '@millrace/protocol'
import {
  type CopiedFilesystem,
  type CopyingFilesystem,
  carried,
  checkpointPath,
  inlineBytes,
  type LocalCopies,
  type LocalCopiesPlace,
  localCopiesPlace,
  openRestoredState,
  readChannels,
  STATE_MEMORY_THRESHOLD,
  sharedPath,
  stateError,
  type UnwrittenChannelPart,
  writeChannelState,
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
  readonly #copies: LocalCopies
  /** Null: without copies. */
  readonly #copiesPlace: LocalCopiesPlace | null
  #restoring: CopiedFilesystem | null = null
  #hasWarned = false
  /** In the slot. */
  readonly #name: string

  constructor(
    deployment: TaskDeployment,
    configuration: Configuration,
    platform: Platform,
    copies: LocalCopies,
  ) {
    this.#deployment = deployment
    this.#platform = platform
    this.#memoryThreshold = configuration.get(STATE_MEMORY_THRESHOLD)
    this.#copies = copies
    this.#copiesPlace = localCopiesPlace(configuration, platform.temporaryFiles)
    this.#name = `${deployment.vertex.id}/${deployment.subtaskIndex}`
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
    this.#copies.restored(this.#name, restored.checkpointId)
    const filesystem = this.#copies.reading(this.#platform.filesystem)
    this.#restoring = filesystem
    const keyGroupRange = keyGroupRangeOf(subtaskIndex, vertex.parallelism, vertex.maxParallelism)
    for (const operator of vertex.operators) {
      const handles = restored.operators[operator.id] ?? { parts: [] }
      states.set(
        operator.id,
        await openRestoredState({
          handles,
          checkpointId: restored.checkpointId,
          keyGroupRange,
          filesystem,
          operator: operator.name,
        }),
      )
    }
    return states
  }

  /** The elements that come before everything new, by the places of the deployment's gates. */
  async restoreChannels(): Promise<ReplayStream[]> {
    const { restored, gates } = this.#deployment
    const channels = restored?.channels ?? []
    const streams = await readChannels(channels, this.#platform.filesystem)
    return channels.map(({ gate: number, channel, keyed }, index) => {
      const gate = gates.findIndex((each) => each.gate === number)
      return { gate, channel, keyed, bytes: streams[index] as Uint8Array }
    })
  }

  /** The checkpoint since which the operator's changes are wanted; null: all that it holds. */
  sinceOf(order: CheckpointOrder, operatorId: string): number | null {
    const base = this.#chains.base(order, operatorId)
    return base === null ? null : (order.incremental?.since ?? null)
  }

  /** The checkpoint is complete. */
  complete(checkpointId: number): void {
    this.#copies.complete(this.#name, checkpointId)
  }

  /** The checkpoint was given up. */
  forget(checkpointId: number): void {
    this.#chains.forget(checkpointId)
  }

  /** All that it starts from has been read. */
  opened(): void {
    if (this.#copiesPlace !== null && this.#restoring !== null) {
      const { copied, fetched } = this.#restoring
      const { checkpointId } = this.#deployment.restored as { readonly checkpointId: number }
      this.#platform.logger.info('state files read', {
        ...{ checkpointId, subtask: this.#name, fromCopies: copied.size, fetched: fetched.size },
      })
    }
    this.#restoring = null
  }

  /** Makes the snapshots durable; operators without state are left out. */
  async write(
    order: CheckpointOrder,
    snapshots: ReadonlyMap<string, OperatorSnapshot>,
    keyGroupRange: KeyGroupRange,
    signal: AbortSignal,
  ): Promise<WrittenState> {
    const place = order.kind === 'checkpoint' ? this.#copiesPlace : null
    const { filesystem } = this.#platform
    if (place === null) return this.#write(filesystem, order, snapshots, keyGroupRange, signal)
    const copying = this.#copies.writing(filesystem, place)
    try {
      const written = await this.#write(copying, order, snapshots, keyGroupRange, signal)
      this.#copies.keep(this.#name, order.id, copying, filesOf(written.handles))
      return written
    } finally {
      copying.drop()
      this.#warnOf(copying)
    }
  }

  /** Once: a full disk would fill the log. */
  #warnOf({ failure }: CopyingFilesystem): void {
    if (failure === null || this.#hasWarned) return
    this.#hasWarned = true
    this.#platform.logger.warn('state files have no local copies', {
      ...{ subtask: this.#name, directory: this.#copiesPlace?.directory },
      reason: (failure as Error).message,
    })
  }

  async #write(
    filesystem: Filesystem,
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
        filesystem,
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

  /** Makes elements under way durable; null: there are none. */
  writeChannels(
    order: CheckpointOrder,
    parts: readonly UnwrittenChannelPart[],
    keyGroupRange: KeyGroupRange,
    signal: AbortSignal,
  ): Promise<ChannelStateHandle | null> {
    const { vertex } = this.#deployment
    return writeChannelState(parts, {
      ...this.#target(order, false),
      filesystem: this.#platform.filesystem,
      ...{ vertexId: vertex.id, keyGroupRange, memoryThreshold: this.#memoryThreshold, signal },
    })
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
    const { clock } = this.#platform
    const directory = this.#directoryOf(order, isShared)
    return { directory, checkpointId: order.id, subtaskIndex, attempt, isShared, clock }
  }

  /** A savepoint's files are beside no checkpoint's; null: everything stays inline. */
  #directoryOf({ id, kind }: CheckpointOrder, isShared: boolean): string | null {
    if (kind !== 'checkpoint') return kind.savepoint
    const directory = this.#deployment.checkpointing?.directory ?? null
    if (directory === null || directory === '') return null
    return isShared ? sharedPath(directory) : checkpointPath(directory, id)
  }
}

function filesOf(handles: SubtaskStateHandles): ReadonlySet<string> {
  const parts = Object.values(handles).flatMap((operator) => operator.parts)
  return new Set(parts.flatMap(({ handle }) => (handle.kind === 'file' ? [handle.path] : [])))
}
