/**
 * Config options of the TaskManager, and the memory split that follows from them.
 *
 * Invariant: main thread, network buffers and slots' heaps together stay within
 * `taskmanager.memory.process.size`.
 */
import { type Configuration, configError, option } from '@millrace/core'
import { type NetworkSettings, networkSettingsOf } from '@millrace/network'
import type { TaskManagerMemory } from '@millrace/protocol'

const MIB = 1024 * 1024

/** Set aside for the main thread, code and V8's own structures. */
const BASE_MEMORY_BYTES = 128 * MIB
/** Each slot's thread needs this much before it holds any data. */
const SLOT_HEAP_BYTES_MIN = 48 * MIB
const YOUNG_GENERATION_BYTES_MAX = 64 * MIB
/** Of a slot's memory; the rest is for rows in hand. */
const MANAGED_FRACTION_MAX = 0.8

export const TASKMANAGER_OPTIONS = {
  numberOfTaskSlots: option.int({
    key: 'taskmanager.numberOfTaskSlots',
    defaultValue: 1,
    min: 1,
    description: 'Slots of this TaskManager; each is a thread with its share of the memory.',
  }),
  processMemory: option.memory({
    key: 'taskmanager.memory.process.size',
    defaultValue: 1728 * MIB,
    description:
      'Memory of the TaskManager. A slot gets (this − network memory − 128 MB) / taskmanager.numberOfTaskSlots.',
  }),
  managedSize: option.memory<number | undefined>({
    key: 'taskmanager.memory.managed.size',
    defaultValue: undefined,
    description:
      'Memory of the TaskManager for keyed state under `state.backend.type: rocksdb`, shared evenly by its slots; within `taskmanager.memory.process.size`.',
  }),
  managedFraction: option.double({
    key: 'taskmanager.memory.managed.fraction',
    defaultValue: 0.4,
    min: 0,
    max: MANAGED_FRACTION_MAX,
    description:
      'Part of each slot’s memory for keyed state, unless `taskmanager.memory.managed.size` is set.',
  }),
  logPath: option.string<string | undefined>({
    key: 'taskmanager.log.path',
    defaultValue: undefined,
    description:
      'File that the TaskManager’s output goes to: REST shows it and the other logs in its directory.',
  }),
  resourceId: option.string<string | undefined>({
    key: 'taskmanager.resource-id',
    defaultValue: undefined,
    description: 'Id of this TaskManager. Default: made of host, port and a random part.',
  }),
  host: option.string<string | undefined>({
    key: 'taskmanager.host',
    defaultValue: undefined,
    description:
      'Name or address by which others reach this TaskManager. Default: taskmanager.bind-host.',
  }),
  bindHost: option.string({
    key: 'taskmanager.bind-host',
    defaultValue: '127.0.0.1',
    description: 'Address that this TaskManager listens on.',
  }),
  rpcPort: option.int({
    key: 'taskmanager.rpc.port',
    defaultValue: 0,
    min: 0,
    max: 65_535,
    description: 'Port of the control plane; 0 takes any.',
  }),
  dataPort: option.int({
    key: 'taskmanager.data.port',
    defaultValue: 0,
    min: 0,
    max: 65_535,
    description:
      'Port of the data plane: slot i listens on this port + i. 0 takes any for each slot.',
  }),
  jobManagerAddress: option.string({
    key: 'jobmanager.rpc.address',
    defaultValue: 'localhost',
    description: 'Host of the JobManager.',
  }),
  jobManagerPort: option.int({
    key: 'jobmanager.rpc.port',
    defaultValue: 6123,
    min: 0,
    max: 65_535,
    description: 'Port of the JobManager’s control plane.',
  }),
  heartbeatInterval: option.duration({
    key: 'heartbeat.interval',
    defaultValue: 10_000,
    description: 'Time between heartbeats.',
  }),
  heartbeatTimeout: option.duration({
    key: 'heartbeat.timeout',
    defaultValue: 50_000,
    description: 'Without contact for this long the other side counts as lost.',
  }),
  heartbeatFailureThreshold: option.int({
    key: 'heartbeat.rpc-failure-threshold',
    defaultValue: 2,
    description:
      'Failed heartbeats in a row after which a TaskManager registers again; -1 only waits for the timeout.',
  }),
  registrationInitialDelay: option.duration({
    key: 'cluster.registration.initial-timeout',
    defaultValue: 100,
    description: 'First pause between two attempts to register; doubles with each.',
  }),
  registrationMaxDelay: option.duration({
    key: 'cluster.registration.max-timeout',
    defaultValue: 30_000,
    description: 'Longest pause between two attempts to register; Millrace never waits over 2 s.',
  }),
  rpcTimeout: option.duration({
    key: 'pekko.ask.timeout',
    aliases: ['akka.ask.timeout'],
    defaultValue: 10_000,
    description: 'Deadline of a control-plane call.',
  }),
  cancellationTimeout: option.duration({
    key: 'task.cancellation.timeout',
    defaultValue: 180_000,
    description:
      'How long a cancelled task may take to close; then its slot is ended. 0: for ever.',
  }),
  slotLivenessTimeout: option.duration({
    key: 'taskmanager.slot.liveness-timeout',
    defaultValue: 30_000,
    description: 'A slot that does not answer for this long is ended and its tasks fail. 0: never.',
  }),
  slotPrewarm: option.boolean({
    key: 'taskmanager.slot.prewarm',
    defaultValue: true,
    description:
      'Keep up to two threads ready for the next slots that are requested: saves their start, costs about 15 MB each.',
  }),
  metricsInterval: option.duration({
    key: 'metrics.fetcher.update-interval',
    defaultValue: 10_000,
    description: 'How often metrics are reported to the JobManager.',
  }),
  turnDuration: option.duration({
    key: 'taskmanager.slot.turn-duration',
    defaultValue: 4,
    description: 'How long a slot works before it looks at its sockets and messages, ms.',
  }),
} as const

export interface SlotMemory {
  /** V8 heap of the slot's thread. */
  readonly heapMaxBytes: number
  readonly youngGenerationMaxBytes: number
  /** Heap and typed arrays together: beyond this the slot is ended. */
  readonly totalMaxBytes: number
  /** Of the whole, for keyed state under a cache. */
  readonly managedBytes: number
  readonly network: NetworkSettings
}

/** Of the whole process. `physicalBytes`: of the machine. */
export function taskManagerMemoryOf(
  configuration: Configuration,
  physicalBytes: number,
): TaskManagerMemory {
  const slotCount = configuration.get(TASKMANAGER_OPTIONS.numberOfTaskSlots)
  const { totalMaxBytes, managedBytes, network } = slotMemoryOf(configuration)
  const networkBytes = network.segmentBytes * network.segmentCountMax
  const taskBytes = totalMaxBytes - networkBytes - managedBytes
  return {
    frameworkBytes: BASE_MEMORY_BYTES,
    taskBytes: Math.floor(taskBytes) * slotCount,
    managedBytes: Math.floor(managedBytes) * slotCount,
    networkBytes: networkBytes * slotCount,
    totalBytes: configuration.get(TASKMANAGER_OPTIONS.processMemory),
    physicalBytes,
  }
}

/** The share of each slot. */
export function slotMemoryOf(configuration: Configuration): SlotMemory {
  const slotCount = configuration.get(TASKMANAGER_OPTIONS.numberOfTaskSlots)
  const processBytes = configuration.get(TASKMANAGER_OPTIONS.processMemory)
  const network = networkSettingsOf(configuration, processBytes, slotCount)
  const networkBytes = network.segmentBytes * network.segmentCountMax
  const share = (processBytes - BASE_MEMORY_BYTES) / slotCount - networkBytes
  const totalMaxBytes = Math.max(SLOT_HEAP_BYTES_MIN, Math.floor(share))
  return {
    managedBytes: managedBytesOf(configuration, totalMaxBytes, slotCount),
    heapMaxBytes: totalMaxBytes,
    youngGenerationMaxBytes: Math.min(YOUNG_GENERATION_BYTES_MAX, Math.ceil(totalMaxBytes / 8)),
    totalMaxBytes: totalMaxBytes + networkBytes,
    network,
  }
}

/** Of a slot. Throws CONFIG_VALUE_INVALID when rows in hand would have too little left. */
function managedBytesOf(
  configuration: Configuration,
  slotBytes: number,
  slotCount: number,
): number {
  const managed = configuration.get(TASKMANAGER_OPTIONS.managedSize)
  if (managed === undefined) {
    return slotBytes * configuration.get(TASKMANAGER_OPTIONS.managedFraction)
  }
  const most = slotBytes * MANAGED_FRACTION_MAX * slotCount
  if (managed <= most) return Math.floor(managed / slotCount)
  const mebibytes = (bytes: number): number => Math.floor(bytes / MIB)
  const { key } = TASKMANAGER_OPTIONS.managedSize
  throw configError(
    'CONFIG_VALUE_INVALID',
    `Set '${key}' to ${mebibytes(most)}m at most; it is ${mebibytes(managed)}m.`,
    {
      hint: `It is part of '${TASKMANAGER_OPTIONS.processMemory.key}': raise that, or lower '${TASKMANAGER_OPTIONS.numberOfTaskSlots.key}'.`,
      location: { optionKey: key },
    },
  )
}
