/**
 * JobManagerLink: the TaskManager's tie to the leading JobManager — registration, heartbeats, and
 * what is reported.
 *
 * Between the TaskManager's books and `JobManagerGateway`. It looks for the leader and registers
 * until it succeeds (the JobManager may start later), beats, registers again when it is not known
 * or not reached or another one leads, and says when the tie is lost for good. Invariants: the
 * known epoch only grows, and only the JobManager of that epoch counts; reports about one attempt
 * arrive in the order in which they were made, or not at all.
 */
import { type Configuration, isMillraceError } from '@millrace/core'
import type { Logger, Platform, RpcChannel } from '@millrace/platform'
import {
  type Fence,
  type JobManagerGateway,
  jobManagerClient,
  protocolError,
} from '@millrace/protocol'
import { TASKMANAGER_OPTIONS } from '../taskmanager-options.ts'
import type { LeaderLookup } from './leader-lookup.ts'

/** The part of the settings that comes from the configuration. */
export interface LinkTimings {
  readonly rpcTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly heartbeatTimeoutMs: number
  /** Negative: never. */
  readonly heartbeatFailureThreshold: number
  readonly registrationInitialDelayMs: number
  readonly registrationMaxDelayMs: number
}

export function linkTimings(configuration: Configuration): LinkTimings {
  return {
    rpcTimeoutMs: configuration.get(TASKMANAGER_OPTIONS.rpcTimeout),
    heartbeatIntervalMs: configuration.get(TASKMANAGER_OPTIONS.heartbeatInterval),
    heartbeatTimeoutMs: configuration.get(TASKMANAGER_OPTIONS.heartbeatTimeout),
    heartbeatFailureThreshold: configuration.get(TASKMANAGER_OPTIONS.heartbeatFailureThreshold),
    registrationInitialDelayMs: configuration.get(TASKMANAGER_OPTIONS.registrationInitialDelay),
    registrationMaxDelayMs: Math.min(
      REGISTRATION_DELAY_MS_MAX,
      configuration.get(TASKMANAGER_OPTIONS.registrationMaxDelay),
    ),
  }
}

export interface JobManagerLinkSettings extends LinkTimings {
  readonly platform: Platform
  readonly logger: Logger
  readonly leader: LeaderLookup
  readonly taskManagerId: string
  register(gateway: JobManagerGateway, fence: Fence): Promise<{ readonly leaderEpoch: number }>
  heartbeat(gateway: JobManagerGateway, fence: Fence): Promise<{ readonly known: boolean }>
  /** A JobManager with a newer epoch leads: what older ones asked for is not its work. */
  onNewEpoch(epoch: number): void
  /** Not reached for the heartbeat timeout. */
  onLost(): void
  onRegistered(): void
}

const REGISTRATION_DELAY_MS_MAX = 2000
const WAITING_FIRST_WARNING_MS = 1000
const WAITING_WARNING_INTERVAL_MS = 10_000
const REPEATED_BEATS_MS = [50, 150]
const REPORT_RETRY_MS_MIN = 50
const REPORT_RETRY_MS_MAX = 2000

export class JobManagerLink {
  readonly #settings: JobManagerLinkSettings
  #channel: RpcChannel | null = null
  #address = ''
  #gateway: JobManagerGateway | null = null
  #epoch = 0
  #registered = false
  /** While no registration succeeds. */
  #waiting: { readonly sinceMs: number; warnAtMs: number } | null = null
  #stopped = false
  #lost = false
  #lastContactMs: number
  #wakeUp: () => void = () => {}
  #endBackOff: () => void = () => {}
  /**
   * Gives up the call to a leader that another one has replaced: it may hang until its deadline.
   */
  #giveUpCall: () => void = () => {}
  #generation = 0
  /** The last beat failed: the next one is due at once. */
  #wakeNext = false
  readonly #reports = new Map<string, Promise<void>>()

  constructor(settings: JobManagerLinkSettings) {
    this.#settings = settings
    this.#lastContactMs = settings.platform.clock.monotonicMs()
  }

  get epoch(): number {
    return this.#epoch
  }

  get isRegistered(): boolean {
    return this.#registered
  }

  get fence(): Fence {
    return { leaderEpoch: this.#epoch, senderId: this.#settings.taskManagerId }
  }

  get gateway(): JobManagerGateway {
    return this.#gateway as JobManagerGateway
  }

  start(): void {
    void this.#run()
    const { periodMs } = this.#settings.leader
    if (periodMs !== null) void this.#watchLeader(periodMs)
  }

  stop(): void {
    this.#stopped = true
    this.#generation++
    this.#wakeUp()
    this.#endBackOff()
    this.#channel?.close()
  }

  /** A call of the JobManager arrived: it is there, and may lead with a newer epoch. */
  heardFrom(epoch: number): void {
    this.#lastContactMs = this.#settings.platform.clock.monotonicMs()
    this.#lost = false
    if (epoch > this.#epoch) {
      this.#adopt(epoch)
      this.registerAgain()
    }
  }

  registerAgain(): void {
    this.#registered = false
    this.#wakeUp()
    this.#endBackOff()
  }

  /**
   * Beats now and shortly again: slots have changed by themselves, and the JobManager believes only
   * repeated reports.
   */
  beatNow(): void {
    this.#wakeUp()
    for (const delayMs of REPEATED_BEATS_MS) {
      this.#settings.platform.clock.setTimer(delayMs, () => this.#wakeUp(), { unref: true })
    }
  }

  /**
   * Reports in order with others under `key`, again and again until it arrives, is refused, or the
   * tie is lost.
   */
  report(key: string, call: (gateway: JobManagerGateway, fence: Fence) => Promise<unknown>): void {
    if (this.#stopped) return
    const generation = this.#generation
    const before = this.#reports.get(key) ?? Promise.resolve()
    const mine = before.then(() => this.#deliver(generation, call))
    this.#reports.set(key, mine)
    void mine.then(() => {
      if (this.#reports.get(key) === mine) this.#reports.delete(key)
    })
  }

  async #deliver(
    generation: number,
    call: (gateway: JobManagerGateway, fence: Fence) => Promise<unknown>,
  ): Promise<void> {
    let delayMs = REPORT_RETRY_MS_MIN
    while (generation === this.#generation) {
      try {
        await call(this.gateway, this.fence)
        return
      } catch (error) {
        if (isMillraceError(error, 'TASK_MANAGER_UNKNOWN')) this.registerAgain()
        else if (!isTransient(error)) {
          this.#settings.logger.warn('The JobManager refused a report.', { error: String(error) })
          return
        }
      }
      await this.#pause(delayMs)
      delayMs = Math.min(delayMs * 2, REPORT_RETRY_MS_MAX)
    }
  }

  async #run(): Promise<void> {
    let delayMs = this.#settings.registrationInitialDelayMs
    let failures = 0
    while (!this.#stopped) {
      if (!this.#registered) {
        if (await this.#register()) {
          delayMs = this.#settings.registrationInitialDelayMs
          failures = 0
          continue
        }
        this.#checkLost()
        await this.#backOff(delayMs)
        const { periodMs } = this.#settings.leader
        const longestMs = Math.min(this.#settings.registrationMaxDelayMs, periodMs ?? Infinity)
        delayMs = Math.min(delayMs * 2, longestMs)
        continue
      }
      await this.#sleep(this.#settings.heartbeatIntervalMs)
      if (this.#stopped || !this.#registered) continue
      failures = (await this.#beat()) ? 0 : failures + 1
      const threshold = this.#settings.heartbeatFailureThreshold
      if (threshold >= 0 && failures >= Math.max(1, threshold)) this.#registered = false
      else if (failures > 0) await this.#pause(this.#settings.registrationInitialDelayMs)
      if (failures > 0) this.#wakeNext = true
      this.#checkLost()
    }
  }

  /**
   * Another leader shows in the lease before it can call: it does not know its TaskManagers.
   * Meanwhile a call to the former one may hang.
   */
  async #watchLeader(periodMs: number): Promise<void> {
    while (!this.#stopped) {
      await this.#pause(periodMs)
      if (this.#stopped) return
      try {
        const contact = await this.#settings.leader.find()
        if (contact === null || contact.epoch <= this.#epoch || this.#stopped) continue
        this.#adopt(contact.epoch)
        this.registerAgain()
      } catch (error) {
        this.#settings.logger.debug('The leader lease cannot be read', { error: String(error) })
      }
    }
  }

  async #register(): Promise<boolean> {
    const { logger, taskManagerId } = this.#settings
    try {
      await this.#contactLeader()
      if (this.#stopped) return false
      const { leaderEpoch } = await this.#whileLeading(
        this.#settings.register(this.gateway, this.fence),
      )
      if (this.#stopped) return false
      if (leaderEpoch < this.#epoch) {
        throw protocolError(
          'STALE_LEADER',
          `The JobManager at ${this.#address} leads under epoch ${leaderEpoch}; epoch ${this.#epoch} is known.`,
        )
      }
      if (leaderEpoch > this.#epoch) this.#adopt(leaderEpoch)
      this.#registered = true
      this.#waiting = null
      this.#lost = false
      this.#lastContactMs = this.#settings.platform.clock.monotonicMs()
      logger.info('Registered with the JobManager.', {
        taskManagerId,
        jobManagerAddress: this.#address,
        leaderEpoch,
      })
      this.#settings.onRegistered()
      return true
    } catch (error) {
      this.#warnOfWaiting(error)
      return false
    }
  }

  /** A channel to who leads now. */
  async #contactLeader(): Promise<void> {
    const contact = await this.#settings.leader.find()
    if (this.#stopped) return
    if (contact === null) throw protocolError('NOT_LEADER', 'No JobManager leads at present.')
    if (contact.epoch > this.#epoch) this.#adopt(contact.epoch)
    if (this.#channel !== null && contact.rpcAddress === this.#address) return
    this.#channel?.close()
    const channel = this.#settings.platform.rpc.connect(contact.rpcAddress)
    this.#address = contact.rpcAddress
    this.#channel = channel
    this.#gateway = jobManagerClient(channel, { deadlineMs: this.#settings.rpcTimeoutMs })
    channel.onDisconnect(() => {
      if (this.#channel === channel) this.#wakeUp()
    })
  }

  /** Not in the first moments, when both processes have just been started; then now and again. */
  #warnOfWaiting(error: unknown): void {
    const nowMs = this.#settings.platform.clock.monotonicMs()
    this.#waiting ??= { sinceMs: nowMs, warnAtMs: nowMs + WAITING_FIRST_WARNING_MS }
    if (this.#stopped || nowMs < this.#waiting.warnAtMs) return
    this.#waiting.warnAtMs = nowMs + WAITING_WARNING_INTERVAL_MS
    const { logger, leader } = this.#settings
    logger.warn(`Waiting for ${leader.describe()}.`, {
      waitedMs: Math.round(nowMs - this.#waiting.sinceMs),
      error,
    })
  }

  async #beat(): Promise<boolean> {
    try {
      const { known } = await this.#whileLeading(this.#settings.heartbeat(this.gateway, this.fence))
      this.#lastContactMs = this.#settings.platform.clock.monotonicMs()
      if (!known) this.#registered = false
      return true
    } catch (error) {
      if (isTransient(error)) return false
      this.#registered = false
      return true
    }
  }

  /**
   * What the call gives; rejects with STALE_LEADER as soon as another JobManager leads. One
   * call at a time.
   */
  #whileLeading<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#giveUpCall = () =>
        reject(protocolError('STALE_LEADER', `The JobManager at ${this.#address} leads no more.`))
      call.then(resolve, reject)
    })
  }

  #checkLost(): void {
    const silentMs = this.#settings.platform.clock.monotonicMs() - this.#lastContactMs
    if (this.#lost || silentMs < this.#settings.heartbeatTimeoutMs) return
    this.#lost = true
    this.#generation++
    this.#settings.onLost()
  }

  #adopt(epoch: number): void {
    const before = this.#epoch
    this.#epoch = epoch
    this.#giveUpCall()
    if (before === 0) return
    this.#generation++
    this.#settings.onNewEpoch(epoch)
  }

  /** Waits, or until something makes the next beat or registration urgent. */
  #sleep(ms: number): Promise<void> {
    if (this.#wakeNext) {
      this.#wakeNext = false
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      const done = (): void => {
        cancelTimer()
        this.#wakeUp = () => {}
        resolve()
      }
      const cancelTimer = this.#settings.platform.clock.setTimer(ms, done)
      this.#wakeUp = done
    })
  }

  /** As `#pause`, but ends at once when there is a reason to register. */
  #backOff(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancelTimer()
        this.#endBackOff = () => {}
        resolve()
      }
      const cancelTimer = this.#settings.platform.clock.setTimer(ms, done)
      this.#endBackOff = done
    })
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#settings.platform.clock.setTimer(ms, resolve)
    })
  }
}

/** Whether the call may succeed when it is made again. */
function isTransient(error: unknown): boolean {
  return isMillraceError(error, 'RPC_UNAVAILABLE') || isMillraceError(error, 'RPC_DEADLINE')
}
