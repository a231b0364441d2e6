/**
 * What a simulated disk holds: files and directories, with what programs see of them.
 *
 * A file remembers which of its bytes nobody has synced yet, and who wrote them: that is what a
 * crash tears. Invariant: bytes that no change of `unsynced` covers survive everything.
 */
import type { SeededRandom } from '../../world/seeded-random.ts'

/** A page of the disk: what is found behind a tear ends with one. */
const BLOCK_BYTES = 4096
const FIRST_CAPACITY_BYTES = 256

/** One change of a file's contents that is not on disk yet. */
type FileChange =
  | {
      readonly kind: 'append'
      readonly host: string
      readonly start: number
      end: number
      /** A sync failed: later ones do not write it either, as page caches have it. */
      isForgotten: boolean
    }
  | {
      readonly kind: 'truncate'
      readonly host: string
      readonly start: number
      readonly cut: Uint8Array
      isForgotten: boolean
    }

export type DiskNode = DiskFile | DiskDirectory

export class DiskDirectory {
  readonly isDirectory = true
  readonly number: number
  readonly entries = new Map<string, DiskNode>()
  modifiedMs: number
  constructor(number: number, modifiedMs: number) {
    this.number = number
    this.modifiedMs = modifiedMs
  }
}

export class DiskFile {
  readonly isDirectory = false
  readonly number: number
  modifiedMs: number
  /** Names that it has, and programs that have it open: with neither it takes no space. */
  names = 0
  handles = 0
  size = 0
  #buffer = new Uint8Array(0)
  #unsynced: FileChange[] = []

  constructor(number: number, modifiedMs: number) {
    this.number = number
    this.modifiedMs = modifiedMs
  }

  /** What programs see; a view that is valid until the next change. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.size)
  }

  get isSynced(): boolean {
    return this.#unsynced.length === 0
  }

  append(bytes: Uint8Array, host: string): void {
    if (bytes.length === 0) return
    const start = this.size
    this.#reserve(start + bytes.length)
    this.#buffer.set(bytes, start)
    this.size = start + bytes.length
    const last = this.#unsynced.at(-1)
    if (last?.kind === 'append' && last.host === host && !last.isForgotten) last.end = this.size
    else {
      const end = this.size
      this.#unsynced.push({ kind: 'append', host, start, end, isForgotten: false })
    }
  }

  truncate(size: number, host: string): void {
    if (size > this.size) {
      this.append(new Uint8Array(size - this.size), host)
    } else if (size < this.size) {
      const cut = this.#buffer.slice(size, this.size)
      this.#unsynced.push({ kind: 'truncate', host, start: size, cut, isForgotten: false })
      this.size = size
    }
  }

  sync(): void {
    this.#unsynced = this.#unsynced.filter((change) => change.isForgotten)
  }

  /** A sync that failed: what it was to write may never be written. */
  failSync(): void {
    for (const change of this.#unsynced) change.isForgotten = true
  }

  /**
   * Undoes what `host` (null: anyone) wrote and did not sync, from a random change on; an append
   * there is torn at a random byte. Returns whether anything was lost.
   */
  crash(host: string | null, random: SeededRandom): boolean {
    const mine = this.#unsynced.filter((change) => host === null || change.host === host)
    if (mine.length === 0) return false
    const survivors = random.between(0, mine.length)
    let isLossy = false
    for (let index = mine.length - 1; index >= survivors; index--) {
      const change = mine[index] as FileChange
      isLossy = true
      if (change.kind === 'append') this.#tear(change, index === survivors, random)
      else if (this.size === change.start) this.#restore(change.cut)
    }
    // What is found after the crash is on the disk.
    this.#unsynced = this.#unsynced.filter((change) => !mine.includes(change))
    return isLossy
  }

  #tear(
    change: { readonly start: number; readonly end: number },
    isFirstLost: boolean,
    random: SeededRandom,
  ): void {
    const { start, end } = change
    const tear = isFirstLost ? random.between(start, Math.max(start, end - 1)) : start
    // Somebody else wrote behind it: a hole stays.
    if (this.size > end) {
      this.#buffer.fill(0, tear, end)
      return
    }
    if (this.size <= tear) return
    this.size = tear
    if (!isFirstLost || random.chance(0.5)) return
    const blockEnd = Math.min(end, (Math.floor(tear / BLOCK_BYTES) + 1) * BLOCK_BYTES)
    if (random.chance(0.5)) this.#buffer.fill(0, tear, blockEnd)
    else this.#buffer.set(random.bytes(blockEnd - tear), tear)
    this.size = blockEnd
  }

  #restore(cut: Uint8Array): void {
    const start = this.size
    this.#reserve(start + cut.length)
    this.#buffer.set(cut, start)
    this.size = start + cut.length
  }

  #reserve(size: number): void {
    if (size <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(size, 2 * this.#buffer.length, FIRST_CAPACITY_BYTES))
    grown.set(this.bytes)
    this.#buffer = grown
  }
}
