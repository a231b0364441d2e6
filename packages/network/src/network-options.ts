/**
 * Config options of the exchange, and the sizing that follows from them.
 *
 * Read once when a slot starts. Invariant: whatever is configured, a slot's buffers stay within its
 * share of `taskmanager.network.memory.*`.
 */
import { type Configuration, option } from '@millrace/core'

const KIB = 1024
const MIB = 1024 * KIB

export const NETWORK_OPTIONS = {
  segmentSize: option.memory({
    key: 'taskmanager.memory.segment-size',
    defaultValue: 32 * KIB,
    description: 'Size of one network buffer; rounded up to a multiple of 8 bytes.',
  }),
  memoryFraction: option.double({
    key: 'taskmanager.memory.network.fraction',
    aliases: ['taskmanager.network.memory.fraction'],
    defaultValue: 0.1,
    description: 'Share of `taskmanager.memory.process.size` that network buffers may take.',
  }),
  memoryMin: option.memory({
    key: 'taskmanager.memory.network.min',
    aliases: ['taskmanager.network.memory.min'],
    defaultValue: 64 * MIB,
    description: 'Lower bound of the network memory of a TaskManager.',
  }),
  memoryMax: option.memory({
    key: 'taskmanager.memory.network.max',
    aliases: ['taskmanager.network.memory.max'],
    defaultValue: 1024 * MIB,
    description: 'Upper bound of the network memory of a TaskManager.',
  }),
  buffersPerChannel: option.int({
    key: 'taskmanager.network.memory.buffers-per-channel',
    defaultValue: 2,
    description: 'Buffers (credits) that belong to each channel of a gate alone; at least 1.',
  }),
  floatingBuffersPerGate: option.int({
    key: 'taskmanager.network.memory.floating-buffers-per-gate',
    defaultValue: 8,
    description: 'Buffers that the channels of a gate share, given to those with a backlog.',
  }),
  bufferTimeout: option.duration({
    key: 'execution.buffer-timeout.interval',
    aliases: ['execution.buffer-timeout'],
    defaultValue: 100,
    description:
      'How long rows may wait in a buffer that is not full; a task without input flushes rows at once, and watermarks without rows after this time. 0 flushes after every batch.',
  }),
  partitionRequestTimeout: option.duration({
    key: 'taskmanager.network.partition-request-timeout',
    defaultValue: 10_000,
    description: 'How long a consumer waits for its producer to be deployed.',
  }),
} as const

/** Everything that the exchange of one slot needs to know. */
export interface NetworkSettings {
  /** Bytes, a multiple of 8. */
  readonly segmentBytes: number
  /** Segments that the slot may hold. */
  readonly segmentCountMax: number
  readonly buffersPerChannel: number
  readonly floatingBuffersPerGate: number
  readonly bufferTimeoutMs: number
  readonly partitionRequestTimeoutMs: number
}

/** The share of one of `slotCount` slots of a TaskManager with `processBytes` of memory. */
export function networkSettingsOf(
  configuration: Configuration,
  processBytes: number,
  slotCount: number,
): NetworkSettings {
  const segmentBytes = Math.max(1024, (configuration.get(NETWORK_OPTIONS.segmentSize) + 7) & ~7)
  const wanted = processBytes * configuration.get(NETWORK_OPTIONS.memoryFraction)
  const bytes = Math.min(
    configuration.get(NETWORK_OPTIONS.memoryMax),
    Math.max(configuration.get(NETWORK_OPTIONS.memoryMin), wanted),
  )
  return {
    segmentBytes,
    segmentCountMax: Math.max(1, Math.floor(bytes / slotCount / segmentBytes)),
    buffersPerChannel: Math.max(1, configuration.get(NETWORK_OPTIONS.buffersPerChannel)),
    floatingBuffersPerGate: Math.max(0, configuration.get(NETWORK_OPTIONS.floatingBuffersPerGate)),
    bufferTimeoutMs: configuration.get(NETWORK_OPTIONS.bufferTimeout),
    partitionRequestTimeoutMs: configuration.get(NETWORK_OPTIONS.partitionRequestTimeout),
  }
}
