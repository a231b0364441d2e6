/**
 * The local disks of all hosts: files without a name, in memory. They end with their process, as
 * real ones do, and fail as real ones may: the disk is full, a read fails or gives wrong bits.
 */
import type { TemporaryFile, TemporaryFiles } from '@millrace/platform'
import type { SimulatedProcess } from '../world/simulated-process.ts'
import type { SimulatedWorld } from '../world/simulated-world.ts'
import { InjectedFaults } from './injected-faults.ts'

const FIRST_BYTES = 4096

/** Probabilities, each of one call. */
export interface LocalDiskFaultRates {
  /** ENOSPC from an append, of which some bytes may have been written, or from a new file. */
  readonly full: number
  /** EIO from a read. */
  readonly readError: number
  /** The file ends before what is read. */
  readonly shortRead: number
  /** One bit of what a read returns is wrong. */
  readonly damagedRead: number
}

export const NO_LOCAL_DISK_FAULTS: LocalDiskFaultRates = {
  full: 0,
  readError: 0,
  shortRead: 0,
  damagedRead: 0,
}

export type LocalDiskFaults = InjectedFaults<keyof LocalDiskFaultRates, never>

export class LocalDisks {
  readonly faults: LocalDiskFaults
  /** Of all files, by the process that opened them. */
  readonly open = new Map<SimulatedProcess, number>()

  constructor(world: SimulatedWorld) {
    const random = world.random.split('local disks')
    this.faults = new InjectedFaults('local disk', NO_LOCAL_DISK_FAULTS, random)
  }

  of(process: SimulatedProcess): TemporaryFiles {
    return {
      defaultDirectory: '/tmp',
      create: (directory) => {
        if (this.faults.strikes('full', process, directory)) throw failed('ENOSPC', 'open')
        return new SimulatedTemporaryFile(this, process)
      },
    }
  }

  counted(process: SimulatedProcess, change: number): void {
    this.open.set(process, (this.open.get(process) ?? 0) + change)
  }
}

class SimulatedTemporaryFile implements TemporaryFile {
  size = 0
  #bytes = new Uint8Array(FIRST_BYTES)
  #isOpen = true
  readonly #disks: LocalDisks
  readonly #process: SimulatedProcess

  constructor(disks: LocalDisks, process: SimulatedProcess) {
    this.#disks = disks
    this.#process = process
    disks.counted(process, 1)
  }

  append(bytes: Uint8Array): void {
    this.#process.world.reach('local append', this.#process)
    if (this.#disks.faults.strikes('full', this.#process, `${bytes.length} bytes`)) {
      throw failed('ENOSPC', 'write')
    }
    const needed = this.size + bytes.length
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    this.#bytes.set(bytes, this.size)
    this.size = needed
  }

  read(into: Uint8Array, position: number): void {
    const { faults } = this.#disks
    const process = this.#process
    process.world.reach('local read', process)
    const about = `${into.length} bytes`
    const end = position + into.length
    if (end > this.size || faults.strikes('shortRead', process, about)) {
      throw new Error(`the file ends at byte ${Math.min(this.size, end - 1)}`)
    }
    if (faults.strikes('readError', process, about)) throw failed('EIO', 'read')
    into.set(this.#bytes.subarray(position, end))
    if (into.length > 0 && faults.strikes('damagedRead', process, about)) {
      const at = faults.random.between(0, into.length - 1)
      into[at] = (into[at] as number) ^ (1 << faults.random.between(0, 7))
    }
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#disks.counted(this.#process, -1)
    this.#bytes = new Uint8Array(0)
    this.size = 0
  }
}

const MESSAGES = { ENOSPC: 'no space left on device', EIO: 'i/o error' } as const

function failed(code: keyof typeof MESSAGES, call: string): Error {
  return Object.assign(new Error(`${code}: ${MESSAGES[code]}, ${call}`), { code })
}
