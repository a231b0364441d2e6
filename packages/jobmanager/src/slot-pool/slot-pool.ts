/**
 * Slots of all TaskManagers, and the jobs that wait for them.
 *
 * A request is filled when enough slots are free at once (two half-filled jobs must not starve each
 * other), first come, first served, with smaller ones let past a waiting larger one. A slot is free
 * again only after its TaskManager has confirmed that it ended the slot's thread.
 */
import { hexId, type MillraceError } from '@millrace/core'
import type { Clock, Logger, Random } from '@millrace/platform'
import type { Fence, SlotReport } from '@millrace/protocol'
import { jobManagerError } from '../error-codes.ts'
import type { RegisteredTaskManager } from '../taskmanager-registry/registered-task-manager.ts'
import type { AllocatedSlot } from './allocated-slot.ts'
import { chooseSlots } from './choose-slots.ts'
import { describeWait } from './describe-wait.ts'

/** `unconfirmed`: taken out of use until the TaskManager reports what is in it. */
type SlotState = 'free' | 'allocated' | 'freeing' | 'unconfirmed'

interface SlotRecord {
  readonly taskManager: RegisteredTaskManager
  readonly index: number
  state: SlotState
  allocationId: string
  jobId: string
  /**
   * Reports in a row that contradict `allocated`; one may have crossed the allocation on its way.
   */
  contradictions: number
}

export interface SlotRequest {
  /** Too few slots are free, and none of those that it lacks is on its way. */
  isStarving(): boolean
  /** Rejects with NOT_ENOUGH_SLOTS after the timeout; never settles once cancelled. */
  readonly slots: Promise<AllocatedSlot[]>
  cancel(): void
  /** `needs 3 slots, 2 registered, waiting 4:12 of 5:00`. */
  describe(): string
}

interface PendingRequest {
  readonly jobId: string
  readonly jobName: string
  readonly count: number
  readonly startedMs: number
  readonly timeoutMs: number
  readonly granted: AllocatedSlot[]
  inFlight: number
  closed: boolean
  resolve(slots: AllocatedSlot[]): void
  reject(error: MillraceError): void
  cancelTimer(): void
}

/**
 * A report may have left the TaskManager before an allocation arrived there; the second one in
 * a row has not.
 */
const CONTRADICTIONS_MAX = 2

const NOT_ENOUGH_SLOTS_HINT =
  'Start another TaskManager (npx millrace taskmanager), raise taskmanager.numberOfTaskSlots, ' +
  'lower parallelism.default, or cancel another job.'

export class SlotPool {
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  readonly #fence: Fence
  readonly #onSlotLost: (slot: { allocationId: string; jobId: string }) => void
  readonly #slots = new Map<RegisteredTaskManager, SlotRecord[]>()
  readonly #requests: PendingRequest[] = []
  readonly #watchers = new Set<() => void>()
  #noticing = false

  constructor(
    platform: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
    fence: Fence,
    onSlotLost: (slot: { allocationId: string; jobId: string }) => void,
  ) {
    this.#clock = platform.clock
    this.#random = platform.random
    this.#logger = platform.logger
    this.#fence = fence
    this.#onSlotLost = onSlotLost
  }

  counts(): { total: number; free: number } {
    let total = 0
    for (const records of this.#slots.values()) total += records.length
    return { total, free: this.#count('free') }
  }

  /** How many are just being emptied. */
  get freeing(): number {
    return this.#count('freeing')
  }

  #count(wanted: SlotState): number {
    let count = 0
    for (const records of this.#slots.values()) {
      for (const { state } of records) if (state === wanted) count++
    }
    return count
  }

  /** Calls back after slots have come, gone, or changed hands. The answer ends that. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => void this.#watchers.delete(changed)
  }

  /** In a step of its own: who lost slots is told first. */
  #notice(): void {
    if (this.#noticing || this.#watchers.size === 0) return
    this.#noticing = true
    void Promise.resolve().then(() => {
      this.#noticing = false
      for (const changed of [...this.#watchers]) changed()
    })
  }

  /** The slots of one TaskManager that are not free. */
  allocatedOf(
    taskManager: RegisteredTaskManager,
  ): { slotIndex: number; jobId: string; allocationId: string }[] {
    return (this.#slots.get(taskManager) ?? [])
      .filter((record) => record.state !== 'free')
      .map(({ index, jobId, allocationId }) => ({ slotIndex: index, jobId, allocationId }))
  }

  addTaskManager(taskManager: RegisteredTaskManager, reports: readonly SlotReport[]): void {
    const records = reports.map<SlotRecord>((report) => ({
      taskManager,
      index: report.slotIndex,
      state: report.allocationId === '' ? 'free' : 'allocated',
      allocationId: report.allocationId,
      jobId: report.jobId,
      contradictions: 0,
    }))
    this.#slots.set(taskManager, records)
    // What it still holds belongs to an earlier life of this or another JobManager.
    for (const record of records) {
      if (record.state === 'allocated') void this.#free(record, 'the job no longer owns this slot')
    }
    this.#fill()
  }

  removeTaskManager(taskManager: RegisteredTaskManager): void {
    this.#slots.delete(taskManager)
    for (const request of this.#requests) {
      const lost = request.granted.filter((slot) => slot.taskManager === taskManager)
      for (const slot of lost) request.granted.splice(request.granted.indexOf(slot), 1)
    }
    this.#fill()
  }

  /** Compares what the TaskManager says with what we believe. */
  reconcile(taskManager: RegisteredTaskManager, reports: readonly SlotReport[]): void {
    const records = this.#slots.get(taskManager)
    if (records === undefined) return
    for (const report of reports) {
      const record = records.find(({ index }) => index === report.slotIndex)
      if (record !== undefined) this.#reconcileSlot(record, report)
    }
    this.#fill()
  }

  #reconcileSlot(record: SlotRecord, report: SlotReport): void {
    if (record.state === 'unconfirmed') {
      record.allocationId = report.allocationId
      if (report.allocationId === '') this.#markFree(record)
      else void this.#free(record, 'the slot was given up')
      return
    }
    const agrees =
      record.state === 'freeing' ||
      (record.state === 'free' ? '' : record.allocationId) === report.allocationId
    record.contradictions = agrees ? 0 : record.contradictions + 1
    if (record.contradictions < CONTRADICTIONS_MAX) return
    record.contradictions = 0
    const { allocationId, jobId, state } = record
    record.state = 'unconfirmed'
    if (state === 'allocated') this.#onSlotLost({ allocationId, jobId })
  }

  /** Asks for `count` slots at once. */
  request(job: {
    readonly jobId: string
    readonly jobName: string
    readonly count: number
    readonly timeoutMs: number
  }): SlotRequest {
    const { promise, resolve, reject } = Promise.withResolvers<AllocatedSlot[]>()
    const request: PendingRequest = {
      ...job,
      startedMs: this.#clock.monotonicMs(),
      granted: [],
      inFlight: 0,
      closed: false,
      resolve,
      reject,
      cancelTimer: () => {},
    }
    request.cancelTimer = this.#clock.setTimer(job.timeoutMs, () => this.#expire(request))
    this.#requests.push(request)
    this.#fill()
    return {
      slots: promise,
      cancel: () => this.#close(request, 'the job does not need the slot any more'),
      describe: () => this.#describe(request),
      isStarving: () => request.count > request.granted.length + request.inFlight,
    }
  }

  /**
   * Gives a slot back; its thread ends. Resolves when the TaskManager has confirmed
   * it (or is lost).
   */
  async release(slot: AllocatedSlot, reason: string): Promise<void> {
    const record = this.#slots
      .get(slot.taskManager)
      ?.find(({ allocationId }) => allocationId === slot.allocationId)
    if (record?.state === 'allocated') await this.#free(record, reason)
  }

  close(): void {
    for (const request of [...this.#requests]) {
      request.closed = true
      request.cancelTimer()
    }
    this.#requests.length = 0
    this.#slots.clear()
    this.#watchers.clear()
  }

  #fill(): void {
    this.#notice()
    for (const request of [...this.#requests]) {
      const missing = request.count - request.granted.length - request.inFlight
      if (request.closed || missing <= 0) continue
      const supplies = [...this.#slots].map(([taskManager, records]) => ({
        slotCount: taskManager.slotCount,
        free: records.filter(({ state }) => state === 'free'),
      }))
      const chosen = chooseSlots(supplies, missing)
      if (chosen === null) continue
      for (const record of chosen) void this.#acquire(record, request)
    }
  }

  async #acquire(record: SlotRecord, request: PendingRequest): Promise<void> {
    const allocationId = hexId(this.#random.bytes(16))
    const { taskManager, index: slotIndex } = record
    record.state = 'allocated'
    record.allocationId = allocationId
    record.jobId = request.jobId
    record.contradictions = 0
    request.inFlight++
    try {
      const { dataAddress } = await taskManager.gateway.requestSlot({
        fence: this.#fence,
        slotIndex,
        allocationId,
        jobId: request.jobId,
      })
      request.inFlight--
      // Reports that crossed the call may have taken the slot back already.
      const isOurs = record.state === 'allocated' && record.allocationId === allocationId
      if (taskManager.lost || !isOurs) return this.#fill()
      const slot = { allocationId, jobId: request.jobId, taskManager, slotIndex, dataAddress }
      if (request.closed) return void this.#free(record, 'the job does not need the slot any more')
      request.granted.push(slot)
      if (request.granted.length === request.count) this.#complete(request)
    } catch (error) {
      request.inFlight--
      this.#logger.warn('Slot request failed', {
        taskManager: taskManager.id,
        slot: slotIndex,
        error: String(error),
      })
      if (record.allocationId === allocationId) record.state = 'unconfirmed'
      this.#fill()
    }
  }

  #complete(request: PendingRequest): void {
    this.#remove(request)
    request.resolve(request.granted)
  }

  #expire(request: PendingRequest): void {
    const state = this.#describe(request)
    this.#close(request, 'the job did not get all the slots that it needs')
    request.reject(
      jobManagerError('NOT_ENOUGH_SLOTS', `Job '${request.jobName}' ${state}.`, {
        hint: NOT_ENOUGH_SLOTS_HINT,
        location: { optionKey: 'slot.request.timeout' },
      }),
    )
  }

  #close(request: PendingRequest, reason: string): void {
    if (request.closed || !this.#requests.includes(request)) return
    this.#remove(request)
    for (const slot of request.granted) void this.release(slot, reason)
  }

  #remove(request: PendingRequest): void {
    request.closed = true
    request.cancelTimer()
    this.#requests.splice(this.#requests.indexOf(request), 1)
  }

  async #free(record: SlotRecord, reason: string): Promise<void> {
    const { allocationId, taskManager } = record
    record.state = 'freeing'
    try {
      await taskManager.gateway.freeSlot({ fence: this.#fence, allocationId, reason })
      this.#markFree(record)
    } catch (error) {
      record.state = 'unconfirmed'
      this.#logger.warn('Slot could not be released; waiting for its TaskManager’s next report', {
        taskManager: taskManager.id,
        slot: record.index,
        error: String(error),
      })
    }
    this.#fill()
  }

  #markFree(record: SlotRecord): void {
    record.state = 'free'
    record.allocationId = ''
    record.jobId = ''
    record.contradictions = 0
  }

  #describe(request: PendingRequest): string {
    const { total, free } = this.counts()
    return describeWait({
      needed: request.count,
      registered: total,
      free,
      waitedMs: this.#clock.monotonicMs() - request.startedMs,
      timeoutMs: request.timeoutMs,
    })
  }
}
