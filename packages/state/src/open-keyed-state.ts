/**
 * The keyed state of one operator in one subtask, by `state.backend.type`.
 *
 * Between the task, which knows the job's configuration and its slot, and the two backends.
 */
import type { Configuration, KeyedState, RestoredOperatorState } from '@millrace/core'
import type { TemporaryFiles } from '@millrace/platform'
import { DiskKeyedState } from './disk/disk-keyed-state.ts'
import { StateMemory } from './disk/state-memory.ts'
import {
  INCREMENTAL_CHECKPOINTS,
  ROCKSDB_BLOCK_CACHE,
  ROCKSDB_FIXED_PER_SLOT,
  ROCKSDB_LOCAL_DIRECTORY,
  ROCKSDB_MANAGED,
  ROCKSDB_WRITE_BUFFER,
  ROCKSDB_WRITE_BUFFERS,
  STATE_BACKEND,
} from './state-options.ts'
import { steadyTime } from './table/expiry.ts'
import { ResidentKeyedState } from './table/resident-keyed-state.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** A backend as the task sees it. */
export interface BackendState extends KeyedState {
  /** Puts the rows of this subtask's key groups; of two that hold one key the later one counts. */
  restore(restored: RestoredOperatorState): Promise<void>
  /** Bytes of memory by table. */
  memoryByTable(): ReadonlyMap<string, number>
  /** Addresses that tables have set aside beyond their memory. */
  readonly reservedBytes: number
  /** What it holds outside of the heap goes. */
  close(): void
}

export interface BackendSettings {
  readonly configuration: Configuration
  readonly maxParallelism: number
  readonly nowMs: () => number
  readonly monotonicMs: () => number
  readonly files: TemporaryFiles
  /** Of the slot: its managed memory. */
  readonly memory: StateMemory
  /** Calls `step` again and again between other work of the subtask, until it gives false. */
  readonly background: (step: () => boolean) => void
}

export function openKeyedState(settings: BackendSettings): BackendState {
  const { configuration, files, monotonicMs } = settings
  const tracksChanges = configuration.get(INCREMENTAL_CHECKPOINTS)
  const nowMs = steadyTime(settings.nowMs, monotonicMs)
  const resident = { ...settings, tracksChanges, nowMs }
  if (configuration.get(STATE_BACKEND) === 'hashmap') return new ResidentKeyedState(resident)
  const named = configuration.get(ROCKSDB_LOCAL_DIRECTORY)
  const directory = named ?? temporaryDirectory(configuration, files)
  return new DiskKeyedState({ ...resident, directory, memory: memoryOf(settings) })
}

function memoryOf({ configuration, memory }: BackendSettings): StateMemory {
  const fixed = configuration.get(ROCKSDB_FIXED_PER_SLOT)
  if (fixed !== undefined) return memory.of(fixed)
  if (configuration.get(ROCKSDB_MANAGED)) return memory
  const buffers = configuration.get(ROCKSDB_WRITE_BUFFER) * configuration.get(ROCKSDB_WRITE_BUFFERS)
  return new StateMemory(configuration.get(ROCKSDB_BLOCK_CACHE) + buffers)
}
