export { checkFiles } from './checkpoint/check-files.ts'
export {
  disposeCheckpoint,
  readCheckpoint,
  removeCheckpoint,
} from './checkpoint/checkpoint-directory.ts'
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
export { DirectoryCheckpointStorage } from './checkpoint/directory-checkpoint-storage.ts'
export type * from './checkpoint/in-flight-manifest.ts'
export {
  MEMORY_STATE_MAX_BYTES,
  MemoryCheckpointStorage,
} from './checkpoint/memory-checkpoint-storage.ts'
export { SavepointDirectory, savepointTarget } from './checkpoint/savepoint-directory.ts'
export * from './checkpoint/verify-checkpoint.ts'
export { StateMemory } from './disk/state-memory.ts'
export { STATE_ERRORS, stateError } from './error-codes.ts'
export * from './handle/checkpoint-path.ts'
export * from './handle/decide-since.ts'
export * from './handle/shared-segments.ts'
export * from './inspect/compare-checkpoints.ts'
export * from './inspect/inspect-checkpoint.ts'
export * from './local/local-copies.ts'
export * from './open-keyed-state.ts'
export { claimsOf, type StateName } from './restore/claim-state.ts'
export { openRestoredState, type RestoreRequest } from './restore/open-restored-state.ts'
export { planRestore, type RestorePlan } from './restore/plan-restore.ts'
export { readChannels } from './restore/read-channels.ts'
export {
  heldEdges,
  type ReassignedChannels,
  reassignChannels,
} from './restore/reassign-channels.ts'
export * from './restore/reassign-state.ts'
export type { SegmentIndex } from './segment/segment-format.ts'
export { SegmentReader } from './segment/segment-reader.ts'
export { type UnwrittenChannelPart, writeChannelState } from './segment/write-channel-state.ts'
export {
  type SnapshotTarget,
  type WrittenSnapshot,
  writeOperatorSnapshot,
} from './segment/write-operator-snapshot.ts'
export * from './state-options.ts'
export {
  type KeyedStateSettings,
  ResidentKeyedState,
} from './table/resident-keyed-state.ts'
export { ResidentTable } from './table/resident-table.ts'
export { TextHeap } from './table/text-heap.ts'
