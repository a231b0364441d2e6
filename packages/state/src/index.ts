export {
  type CheckpointManifest,
  decodeManifest,
  encodeManifest,
  manifestStateSize,
  mapHandles,
  type OperatorManifest,
} from './checkpoint/checkpoint-manifest.ts'
export type * from './checkpoint/checkpoint-storage.ts'
export * from './checkpoint/create-checkpoint-storage.ts'
export * from './checkpoint/decide-retention.ts'
export {
  DirectoryCheckpointStorage,
  readCheckpoint,
} from './checkpoint/directory-checkpoint-storage.ts'
export {
  MEMORY_STATE_MAX_BYTES,
  MemoryCheckpointStorage,
} from './checkpoint/memory-checkpoint-storage.ts'
export { STATE_ERRORS, stateError } from './error-codes.ts'
export * from './handle/checkpoint-path.ts'
export * from './handle/state-handle.ts'
export { openRestoredState, type RestoreRequest } from './restore/open-restored-state.ts'
export * from './restore/reassign-state.ts'
export {
  type SnapshotTarget,
  writeOperatorSnapshot,
} from './segment/write-operator-snapshot.ts'
export * from './state-options.ts'
