/**
 * Election by a lease object: carries out what `decideLease` says, one step after another.
 *
 * Every write is conditional on the version that was read, so of many candidates one wins, and a
 * holder that slept cannot renew what another one has taken. A write with an unknown outcome is
 * followed by a read, never by a guess. The end of a leadership does not wait for the store: a
 * timer of its own ends it at the deadline.
 */
import type { Clock, Logger, ObjectStore, Random } from '@millrace/platform'
import {
  decodeLeaderRecord,
  encodeLeaderRecord,
  type HighAvailability,
  type LeaderRecord,
  type LeaseTimings,
  leaderKey,
} from '@millrace/protocol'
import { jobManagerError } from '../error-codes.ts'
import { decideLease } from './decide-lease.ts'
import type { Candidate, LeaderElection, Leadership } from './leader-election.ts'

interface Held extends Leadership {
  renewedMs: number
  renewal: number
  cancelDeadline(): void
}

interface Seen {
  readonly record: LeaderRecord | null
  readonly version: string | null
  readonly sinceMs: number
}

export class LeaseElection implements LeaderElection {
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  readonly #store: ObjectStore
  readonly #key: string
  readonly #timings: LeaseTimings
  #candidate: Candidate | null = null
  #held: Held | null = null
  #seen: Seen | null = null
  /** The last version read, for how long it stands unchanged. */
  #lastSeen: Seen | null = null
  #failedMs: number | null = null
  #warned = false
  #closed = false
  #wakeUp: () => void = () => {}
  #running: Promise<void> = Promise.resolve()

  constructor(
    platform: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
    settings: HighAvailability,
  ) {
    this.#clock = platform.clock
    this.#random = platform.random
    this.#logger = platform.logger
    this.#store = settings.store
    this.#key = leaderKey(settings.clusterPath)
    this.#timings = settings.timings
  }

  join(candidate: Candidate): void {
    this.#candidate = candidate
    this.#running = this.#run(candidate)
  }

  leader(): LeaderRecord | null {
    const record = this.#lastSeen?.record ?? null
    if (record === null || record.holderId === '') return null
    // Ours, but lost or not yet known to be won.
    return record.holderId === this.#candidate?.id && this.#held === null ? null : record
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wakeUp()
    await this.#running
    const held = this.#held
    this.#endHeld()
    const { record, version } = this.#lastSeen ?? { record: null, version: null }
    if (held === null || record === null) return
    const vacant = { ...record, holderId: '', renewal: held.renewal + 1 }
    // Should it fail, the others wait for the lease to run out.
    await this.#store.putIf(this.#key, encodeLeaderRecord(vacant), version).catch(() => null)
  }

  async #run(candidate: Candidate): Promise<void> {
    while (!this.#closed) {
      const decision = decideLease({
        nowMs: this.#clock.monotonicMs(),
        ownId: candidate.id,
        held: this.#held,
        failedMs: this.#failedMs,
        seen: this.#seen,
        timings: this.#timings,
      })
      if (decision.kind === 'step-down') this.#lose(decision.reason)
      else if (decision.kind === 'wait') await this.#sleep(decision.ms)
      else if (decision.kind === 'read') await this.#read()
      else if (decision.kind === 'acquire') await this.#acquire(candidate, decision.epoch)
      else await this.#renew()
    }
  }

  async #read(): Promise<void> {
    try {
      const object = await this.#store.get(this.#key)
      const record = object === null ? null : decodeLeaderRecord(object.bytes)
      this.#observe(record, object?.version ?? null)
      this.#warned = false
    } catch (error) {
      this.#warn(error)
      await this.#sleep(this.#timings.retryPeriodMs / 4)
    }
  }

  #observe(record: LeaderRecord | null, version: string | null): void {
    const before = this.#lastSeen
    const unchanged = before !== null && before.version === version && record !== null
    this.#seen = unchanged ? before : { record, version, sinceMs: this.#clock.monotonicMs() }
    this.#lastSeen = this.#seen
  }

  /** Once, until the store answers again. */
  #warn(error: unknown): void {
    if (this.#warned) return
    this.#warned = true
    this.#logger.warn('The leader lease cannot be read or written', { error })
  }

  async #acquire(candidate: Candidate, epoch: number): Promise<void> {
    const { version } = this.#seen as Seen
    const record: LeaderRecord = {
      epoch,
      holderId: candidate.id,
      rpcAddress: candidate.rpcAddress,
      restAddress: candidate.restAddress,
      leaseDurationMs: this.#timings.leaseDurationMs,
      renewal: 0,
    }
    const sentMs = this.#clock.monotonicMs()
    if (!(await this.#write(record, version))) return
    const held = this.#leadership(epoch, sentMs)
    // The write took so long that the lease may have run out again.
    if (this.#clock.monotonicMs() - sentMs >= this.#timings.renewDeadlineMs) return
    this.#held = held
    if (this.#closed) return
    this.#armDeadline(held)
    this.#logger.info('This JobManager leads', { epoch })
    candidate.onElected(held)
  }

  async #renew(): Promise<void> {
    const held = this.#held as Held
    const { record, version } = this.#seen as Seen
    const next = { ...(record as LeaderRecord), renewal: held.renewal + 1 }
    const sentMs = this.#clock.monotonicMs()
    if (!(await this.#write(next, version))) {
      this.#failedMs = this.#clock.monotonicMs()
      return
    }
    if (this.#held !== held) return
    held.renewal = next.renewal
    held.renewedMs = sentMs
    this.#failedMs = null
    this.#armDeadline(held)
  }

  /** False: not written, or nobody knows; the lease is to be read before anything else. */
  async #write(record: LeaderRecord, expected: string | null): Promise<boolean> {
    this.#seen = null
    try {
      const version = await this.#store.putIf(this.#key, encodeLeaderRecord(record), expected)
      if (version === null) return false
      this.#observe(record, version)
      this.#warned = false
      return true
    } catch (error) {
      this.#warn(error)
      return false
    }
  }

  #leadership(epoch: number, renewedMs: number): Held {
    const held: Held = {
      epoch,
      renewedMs,
      renewal: 0,
      cancelDeadline: () => {},
      holds: () => this.#held === held && this.#isFresh(held),
      confirm: () => this.#confirm(held),
      giveUp: (reason) => {
        if (this.#held !== held) return
        this.#lose(reason)
        this.#wakeUp()
      },
    }
    return held
  }

  #isFresh(held: Held): boolean {
    return this.#clock.monotonicMs() - held.renewedMs < this.#timings.renewDeadlineMs
  }

  async #confirm(held: Held): Promise<void> {
    const ended = () =>
      jobManagerError('LEADERSHIP_LOST', `The leadership under epoch ${held.epoch} has ended.`)
    if (!held.holds()) throw ended()
    const object = await this.#store.get(this.#key)
    const record = object === null ? null : decodeLeaderRecord(object.bytes)
    if (record?.epoch === held.epoch && record.holderId === this.#candidate?.id) return
    held.giveUp(`the lease is under epoch ${record?.epoch}`)
    throw ended()
  }

  #armDeadline(held: Held): void {
    held.cancelDeadline()
    const leftMs = held.renewedMs + this.#timings.renewDeadlineMs - this.#clock.monotonicMs()
    held.cancelDeadline = this.#clock.setTimer(Math.max(0, leftMs), () => {
      if (this.#held !== held) return
      const seconds = this.#timings.renewDeadlineMs / 1000
      this.#lose(`the lease could not be renewed for ${seconds} s`)
      this.#wakeUp()
    })
  }

  #endHeld(): void {
    this.#held?.cancelDeadline()
    this.#held = null
    this.#failedMs = null
  }

  #lose(reason: string): void {
    const held = this.#held
    if (held === null) return
    this.#endHeld()
    this.#seen = null
    this.#logger.warn('This JobManager leads no more', { epoch: held.epoch, reason })
    this.#candidate?.onLost(held, reason)
  }

  /**
   * A little less or more, so that candidates do not come all at once; a candidate reads
   * again afterwards.
   */
  #sleep(ms: number): Promise<void> {
    const jittered = ms * (1 + 0.1 * this.#random.next())
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        this.#wakeUp = () => {}
        if (this.#held === null) this.#seen = null
        resolve()
      }
      const cancel = this.#clock.setTimer(jittered, done)
      this.#wakeUp = done
    })
  }
}
