export { Segment, SegmentPool } from './buffer/segment-pool.ts'
export * from './error-codes.ts'
export { memoryConnectionPair } from './exchange/memory-connection.ts'
export { type PeerSlot, SlotExchange } from './exchange/slot-exchange.ts'
export type { GateSettings, SubtaskInputSettings } from './input/gate.ts'
export type { InputChannel } from './input/input-channel.ts'
export type {
  AlignmentTimes,
  InputListener,
  InputRecording,
  RecordedChannel,
} from './input/input-listener.ts'
export { patienceMs } from './input/late-barriers.ts'
export type { ReplayStream } from './input/replay.ts'
export { SubtaskInput } from './input/subtask-input.ts'
export * from './network-options.ts'
export {
  type PartitionKind,
  ResultPartition,
  type ResultPartitionSettings,
} from './partition/result-partition.ts'
export type { PartitionRequest } from './wire/frame.ts'
