/**
 * SlotKeeper: the slots of a TaskManager — allocated on request, joined to each other, freed, and
 * noticed as lost.
 *
 * Owner of the book of slots (`SlotTable`) and of the threads that wait for one (`SlotThreads`).
 * Invariant: a slot belongs to one allocation of one leader epoch until its thread has ended.
 */
import { type Configuration, type ErrorData, toErrorData } from '@millrace/core'
import type { Logger, Platform } from '@millrace/platform'
import { protocolError } from '@millrace/protocol'
import { taskManagerError } from '../error-codes.ts'
import type { FromSlot } from '../slot/slot-messages.ts'
import { type SlotMemory, slotMemoryOf, TASKMANAGER_OPTIONS } from '../taskmanager-options.ts'
import type { TaskReport } from './slot-reports.ts'
import { SlotTable } from './slot-table.ts'
import { SlotThreads, SPARE_THREADS_MAX } from './slot-threads.ts'
import { TaskSlot } from './task-slot.ts'

/** A slot that is freed while tasks run has this long to close them. */
const STOP_TIMEOUT_MS = 5000

export interface SlotKeeperSettings {
  readonly platform: Platform
  readonly configuration: Configuration
  readonly taskManagerId: string
  /** Under which others reach this process. */
  readonly host: string
  readonly logger: Logger
  /** `threads.spawn`'s data for every slot thread. */
  readonly slotThreadData: unknown
  /** For the JobManager. */
  readonly onReport: (slot: TaskSlot, message: TaskReport) => void
  /** `error`: it was lost; without one it was freed. `attempts` are those that still ran in it. */
  readonly onEnded: (slot: TaskSlot, error?: ErrorData) => void
}

/** What a JobManager asks a slot for. */
export interface SlotAllocation {
  readonly slotIndex: number
  readonly allocationId: string
  readonly jobId: string
  readonly epoch: number
}

export class SlotKeeper {
  readonly table: SlotTable
  readonly #settings: SlotKeeperSettings
  readonly #count: number
  readonly #memory: SlotMemory
  readonly #threads: SlotThreads

  constructor(settings: SlotKeeperSettings) {
    const { platform, configuration, slotThreadData } = settings
    this.#settings = settings
    this.#count = configuration.get(TASKMANAGER_OPTIONS.numberOfTaskSlots)
    this.table = new SlotTable(this.#count)
    this.#memory = slotMemoryOf(configuration)
    const prewarms = configuration.get(TASKMANAGER_OPTIONS.slotPrewarm)
    this.#threads = new SlotThreads(platform, this.#memory, slotThreadData, () =>
      prewarms ? Math.min(SPARE_THREADS_MAX, this.table.freeCount) : 0,
    )
  }

  /** Starts the threads that free slots will want. */
  prewarm(): void {
    this.#threads.prewarm('now')
  }

  /** Rejects with SLOT_UNKNOWN, SLOT_OCCUPIED, SLOT_START_FAILED. */
  async allocate(wanted: SlotAllocation): Promise<{ readonly dataAddress: string }> {
    const { slotIndex, allocationId } = wanted
    const { taskManagerId } = this.#settings
    if (slotIndex < 0 || slotIndex >= this.#count) {
      throw protocolError(
        'SLOT_UNKNOWN',
        `TaskManager ${taskManagerId} has slots 0 to ${this.#count - 1}; slot ${slotIndex} was requested.`,
      )
    }
    const known = this.table.at(slotIndex)
    if (known !== null) {
      const starting = this.table.addressOf(known)
      if (known.settings.allocationId === allocationId) return { dataAddress: await starting }
      throw protocolError(
        'SLOT_OCCUPIED',
        `Slot ${slotIndex} of TaskManager ${taskManagerId} is allocated to ${known.settings.jobId}.`,
      )
    }
    const slot = this.#create(wanted)
    try {
      const dataAddress = await this.table.add(slot)
      this.#threads.prewarm('later')
      return { dataAddress }
    } catch (error) {
      this.table.remove(slot)
      throw error
    }
  }

  #create({ slotIndex: index, allocationId, jobId, epoch }: SlotAllocation): TaskSlot {
    const { configuration, platform, taskManagerId, host: dataHost } = this.#settings
    const get = configuration.get.bind(configuration)
    const firstPort = get(TASKMANAGER_OPTIONS.dataPort)
    const dataPort = firstPort === 0 ? 0 : firstPort + index
    const slot: TaskSlot = new TaskSlot(
      {
        ...{ index, allocationId, jobId, epoch, taskManagerId },
        clock: platform.clock,
        livenessTimeoutMs: get(TASKMANAGER_OPTIONS.slotLivenessTimeout),
        stopTimeoutMs: STOP_TIMEOUT_MS,
        start: {
          ...{ taskManagerId, slotIndex: index, dataHost },
          configuration: configuration.toObject(),
          dataBindAddress: `${get(TASKMANAGER_OPTIONS.bindHost)}:${dataPort}`,
          network: this.#memory.network,
          totalMaxBytes: this.#memory.totalMaxBytes,
        },
        onMessage: (message) => this.#received(slot, message),
        onLost: (error) => this.#lost(slot, error),
      },
      this.#threads.take(),
    )
    return slot
  }

  #received(slot: TaskSlot, message: FromSlot): void {
    switch (message.kind) {
      case 'state':
      case 'acknowledge':
      case 'decline':
      case 'operator-event':
        this.#settings.onReport(slot, message)
        return
      case 'connect':
        this.#join(slot, message.slotIndex, message.requestId)
    }
  }

  /** Gives two slots the ends of a port. */
  #join(consumer: TaskSlot, producerIndex: number, requestId: number): void {
    const { platform, taskManagerId } = this.#settings
    const producer = this.table.at(producerIndex)
    if (!producer || producer.isEnded) {
      const error = taskManagerError(
        'SLOT_TERMINATED',
        `Slot ${producerIndex} of TaskManager ${taskManagerId} is gone.`,
      )
      consumer.post({ kind: 'answer', requestId, error: toErrorData(error) })
      return
    }
    const [consumerPort, producerPort] = platform.data.createPortPair()
    producer.post({ kind: 'accept', port: producerPort }, [producerPort])
    consumer.post({ kind: 'answer', requestId, answer: consumerPort }, [consumerPort])
  }

  #lost(slot: TaskSlot, error: ErrorData): void {
    this.#settings.logger.error('A slot was lost.', { slot: slot.settings.index, error })
    this.table.remove(slot)
    this.#settings.onEnded(slot, error)
    this.#threads.prewarm('now')
  }

  async free(slot: TaskSlot, reason: string): Promise<void> {
    this.#settings.logger.debug('Freeing a slot.', { slot: slot.settings.index, reason })
    await slot.stop()
    this.#settings.onEnded(slot)
    this.table.remove(slot)
    this.#threads.prewarm('later')
  }

  /** Frees the slots that `keep` does not name. */
  freeOthers(keep: (slot: TaskSlot) => boolean, reason: string): void {
    for (const slot of this.table.all()) if (!keep(slot)) void this.free(slot, reason)
  }

  /** Ends every thread. */
  async close(): Promise<void> {
    await Promise.all(this.table.all().map((slot) => slot.stop()))
    await this.#threads.close()
  }
}
