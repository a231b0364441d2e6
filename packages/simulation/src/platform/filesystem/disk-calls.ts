/**
 * System calls of one process to a disk: when each takes effect, what becomes of it, when
 * its caller hears.
 *
 * A call that is in flight when its process is killed happens, happens in part, or does not;
 * when its host crashes, it does not. The answer goes through the process, so that a dead
 * one never has it.
 */
import type { SeededRandom } from '../../world/seeded-random.ts'
import type { SimulatedProcess } from '../../world/simulated-process.ts'
import type { DiskFaultRates } from './disk-faults.ts'
import { fileFailure } from './file-failure.ts'
import type { SimulatedDisk } from './simulated-disk.ts'

/** Looks at names, reads bytes, changes bytes or names, waits for the disk. */
export type CallKind = 'lookup' | 'read' | 'append' | 'change' | 'sync'

/** Mean ms of a call, without its bytes. */
const CALL_MS: Readonly<Record<CallKind, number>> = {
  lookup: 0.05,
  read: 0.1,
  append: 0.05,
  change: 0.2,
  sync: 3,
}
const BYTES_PER_MS = 300_000
const SLOW_CALL_MS = 300
const SLOW_SYNC_MS = 4000
/** A mount gives up on a disk that it cannot reach after that. */
const UNREACHABLE_AFTER_MS = 5000

export interface DiskCall<T> {
  readonly kind: CallKind
  readonly syscall: string
  readonly path: string
  readonly bytes?: number
  /** Does all of it, or throws. */
  perform(): T
  /** What an interrupted call leaves; absent: it is whole or not at all. */
  performPart?(random: SeededRandom): void
  /** What a sync that fails does. */
  failSync?(): void
}

export class DiskCalls {
  readonly #disk: SimulatedDisk
  readonly #process: SimulatedProcess
  readonly random: SeededRandom

  constructor(disk: SimulatedDisk, process: SimulatedProcess) {
    this.#disk = disk
    this.#process = process
    this.random = disk.random.split(process.name)
  }

  run<T>(call: DiskCall<T>): Promise<T> {
    const { world } = this.#process
    const isMetadata = call.kind !== 'lookup' && call.path.includes('/_metadata')
    world.reach(isMetadata ? 'file _metadata' : `file ${call.kind}`, this.#process)
    const boot = this.#disk.bootOf(this.#process.host)
    const totalMs = this.#durationMs(call)
    const effectMs = totalMs * this.random.next()
    const startInMs = this.#process.nowMs - world.nowMs
    return new Promise((resolve, reject) => {
      const answer = (delayMs: number, settle: () => void): void =>
        void world.after(delayMs, () => this.#process.deliver(settle))
      world.after(startInMs + effectMs, () => {
        if (this.#disk.bootOf(this.#process.host) !== boot) return
        if (!this.#process.alive) {
          this.#interrupt(call)
        } else if (!this.#disk.isReachable(this.#process.host)) {
          this.#disk.faults.record('unreachable', this.#process, call.path)
          const error = fileFailure('ETIMEDOUT', call.syscall, call.path)
          answer(UNREACHABLE_AFTER_MS, () => reject(error))
        } else {
          let settle: () => void
          try {
            const value = this.#perform(call)
            settle = () => resolve(value)
          } catch (error) {
            settle = () => reject(error)
          }
          answer(totalMs - effectMs, settle)
        }
      })
    })
  }

  #durationMs(call: DiskCall<unknown>): number {
    const bytesMs = (call.bytes ?? 0) / BYTES_PER_MS
    const ms = CALL_MS[call.kind] * (0.5 + this.random.exponential(0.5)) + bytesMs
    const [fault, extraMs] =
      call.kind === 'sync'
        ? (['slowSync', SLOW_SYNC_MS] as const)
        : (['slowOperation', SLOW_CALL_MS] as const)
    if (!this.#strikes(fault, call)) return ms
    return ms + this.#disk.faults.random.exponential(extraMs)
  }

  #strikes(fault: keyof DiskFaultRates, call: DiskCall<unknown>): boolean {
    return this.#disk.faults.strikes(fault, this.#process, `${call.syscall} ${call.path}`)
  }

  #perform<T>(call: DiskCall<T>): T {
    const isChange = call.kind === 'append' || call.kind === 'change'
    try {
      this.#disk.checkAccess(call.path, isChange, call.syscall)
    } catch (error) {
      this.#disk.faults.record('accessDenied', this.#process, `${call.syscall} ${call.path}`)
      throw error
    }
    const { random } = this.#disk.faults
    if (isChange && this.#strikes('writeError', call)) {
      const share = random.between(0, 2)
      if (share === 1) call.performPart?.(random)
      else if (share === 2) call.perform()
      throw fileFailure('EIO', call.syscall, call.path)
    }
    if (call.kind === 'read' && this.#strikes('readError', call)) {
      throw fileFailure('EIO', call.syscall, call.path)
    }
    if (call.failSync !== undefined && this.#strikes('syncError', call)) {
      call.failSync()
      throw fileFailure('EIO', call.syscall, call.path)
    }
    return call.perform()
  }

  /** Its process was killed in between. */
  #interrupt(call: DiskCall<unknown>): void {
    const share = this.random.between(0, 2)
    if (share === 0 || (call.kind !== 'append' && call.kind !== 'change')) return
    try {
      this.#disk.checkAccess(call.path, true, call.syscall)
      if (share === 2) call.perform()
      else if (call.performPart !== undefined) {
        call.performPart(this.random)
        this.#disk.faults.record('tornInFlight', this.#process, call.path)
      }
    } catch {
      // Nobody is there to hear that it failed.
    }
  }

  /** Flips a bit of what a read returned, when that fault strikes. */
  corrupt(bytes: Uint8Array, path: string): void {
    if (bytes.length === 0) return
    if (!this.#disk.faults.strikes('corruptedRead', this.#process, path)) return
    const { random } = this.#disk.faults
    const at = random.between(0, bytes.length - 1)
    bytes[at] = (bytes[at] as number) ^ (1 << random.between(0, 7))
  }

  /** How many of the bytes that are there a read gives: all, unless that fault strikes. */
  readable(length: number, path: string): number {
    if (length < 2 || !this.#disk.faults.strikes('shortRead', this.#process, path)) return length
    return this.#disk.faults.random.between(1, length - 1)
  }
}
