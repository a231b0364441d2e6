/**
 * Several runs of one partition as one: of records of one key the newest counts.
 *
 * Behind compaction and checkpoints. Reads many blocks at once, copies records as they are, and
 * stops after some rows, so that whoever asks can do something else in between. Memory is a chunk
 * of blocks a source.
 */
import { type BlockShape, GONE_FLAG, RecordBlock, sameKeys } from './record-block.ts'
import type { SortedBlocks } from './run.ts'

/** Blocks are read so many bytes at a time. */
const CHUNK_BYTES = 64 * 1024

export interface MergeSettings {
  readonly shape: BlockShape
  /** Nothing older is left elsewhere: records that say that a key is gone are left out. */
  readonly dropDeletes: boolean
  /** Records that were written last at that time (epoch ms) or before may go; -Infinity: none. */
  readonly expiredAtMs: number
}

/** Takes the records that are left, in ascending order. */
export interface MergeTarget {
  addRecord(block: RecordBlock, at: number): void
}

/** Goes on for about `rowsMax` records; gives whether there are more. */
export interface Merge {
  step(target: MergeTarget, rowsMax: number): boolean
}

/** A place among the records of one source. */
export class Cursor {
  /** Unsigned, with sub columns of the key alone; Infinity at the end. */
  hash = Number.POSITIVE_INFINITY
  at = 0
  readonly block: RecordBlock
  readonly #source: SortedBlocks
  /** A byte a record of the source: 0 is left out. */
  readonly #wanted: Uint8Array | null
  readonly #hashInt: number
  /** Of this record among those of the source. */
  #ordinal = -1
  /** Ends of the open block and of the chunk. */
  #end = 0
  #next = 0
  #chunkEnd = 0
  #chunkByte = 0

  constructor(shape: BlockShape, source: SortedBlocks, wanted: Uint8Array | null) {
    this.block = new RecordBlock(shape)
    this.#source = source
    this.#wanted = wanted
    this.#hashInt = shape.hashInt
    this.#open()
    if (wanted !== null && wanted[0] === 0 && this.hash !== Number.POSITIVE_INFINITY) this.advance()
  }

  advance(): void {
    const { block } = this
    do {
      this.at += block.strideInts
      if (this.at >= this.#end) this.#open()
      else this.#ordinal++
      if (this.hash === Number.POSITIVE_INFINITY && this.at === 0) return
    } while (this.#wanted !== null && this.#wanted[this.#ordinal] === 0)
    this.hash = (block.ints[this.at + this.#hashInt] as number) >>> 0
  }

  /** Whether a further record of the source has this hash. */
  get isShared(): boolean {
    const next = this.at + this.block.strideInts
    return next < this.#end && (this.block.ints[next] as number) >>> 0 === this.hash
  }

  /** The wanted records of this hash: all are in the open block. */
  *sameHash(): Generator<number> {
    const { ints, strideInts } = this.block
    for (let at = this.at, n = this.#ordinal; at < this.#end; at += strideInts, n++) {
      if ((ints[at] as number) >>> 0 !== this.hash) return
      if (this.#wanted === null || this.#wanted[n] === 1) yield at
    }
  }

  #open(): void {
    if (this.#next === this.#chunkEnd && !this.#readChunk()) {
      this.hash = Number.POSITIVE_INFINITY
      this.at = 0
      this.block.giveBack()
      return
    }
    const length = this.#source.bytesOf(this.#next++)
    this.block.open(this.#chunkByte, length)
    this.#chunkByte += length
    this.at = this.block.firstInt
    this.#end = this.at + this.block.rowCount * this.block.strideInts
    this.hash = (this.block.ints[this.at + this.#hashInt] as number) >>> 0
    this.#ordinal++
  }

  #readChunk(): boolean {
    const { blockCount } = this.#source
    const from = this.#next
    if (from === blockCount) return false
    let to = from
    let bytes = 0
    do bytes += this.#source.bytesOf(to++)
    while (to < blockCount && bytes + this.#source.bytesOf(to) <= CHUNK_BYTES)
    this.#source.read(from, to, this.block)
    this.#chunkEnd = to
    this.#chunkByte = 0
    return true
  }
}

export interface MergeSource {
  readonly blocks: SortedBlocks
  /** A byte a record: 0 is left out; null: all are wanted. */
  readonly wanted: Uint8Array | null
}

/** Of a table without sub columns. */
export class RunMerge implements Merge {
  readonly #settings: MergeSettings
  readonly #cursors: readonly Cursor[]
  readonly #kept: { cursor: Cursor; at: number }[] = []

  /** `sources` are newest first. */
  constructor(sources: readonly MergeSource[], settings: MergeSettings) {
    this.#settings = settings
    this.#cursors = sources.map(({ blocks, wanted }) => new Cursor(settings.shape, blocks, wanted))
  }

  /** Goes on for about `rowsMax` records; gives whether there are more. */
  step(target: MergeTarget, rowsMax: number): boolean {
    const cursors = this.#cursors
    for (let n = 0; n < rowsMax; n++) {
      let first: Cursor | null = null
      let hash = Number.POSITIVE_INFINITY
      let sources = 0
      for (let c = 0; c < cursors.length; c++) {
        const cursor = cursors[c] as Cursor
        if (cursor.hash < hash) {
          first = cursor
          hash = cursor.hash
          sources = 1
        } else if (cursor.hash === hash) sources++
      }
      if (first === null) return false
      if (sources === 1 && !first.isShared) {
        this.#keep(first, first.at, target)
        first.advance()
      } else if (!this.#mergeKey(first, target)) this.#mergeHash(hash, target)
    }
    return true
  }

  /** The records of a hash in several runs, when they are of one key, as nearly always. */
  #mergeKey(newest: Cursor, target: MergeTarget): boolean {
    const { hash } = newest
    const cursors = this.#cursors
    for (let c = 0; c < cursors.length; c++) {
      const cursor = cursors[c] as Cursor
      if (cursor.hash !== hash) continue
      if (cursor.isShared) return false
      if (!sameKeys(newest.block, newest.at, cursor.block, cursor.at)) return false
    }
    this.#keep(newest, newest.at, target)
    for (let c = 0; c < cursors.length; c++) {
      const cursor = cursors[c] as Cursor
      if (cursor.hash === hash) cursor.advance()
    }
    return true
  }

  /** Several keys have the hash. */
  #mergeHash(hash: number, target: MergeTarget): void {
    const kept = this.#kept
    kept.length = 0
    for (const cursor of this.#cursors) {
      if (cursor.hash !== hash) continue
      for (const at of cursor.sameHash()) {
        if (kept.some((newer) => sameKeys(newer.cursor.block, newer.at, cursor.block, at))) continue
        kept.push({ cursor, at })
        this.#keep(cursor, at, target)
      }
    }
    for (const cursor of this.#cursors) while (cursor.hash === hash) cursor.advance()
  }

  #keep({ block }: Cursor, at: number, target: MergeTarget): void {
    if (isKept(this.#settings, block, at)) target.addRecord(block, at)
  }
}

/** Whether the newest record of an entry is still one after the merge. */
export function isKept(settings: MergeSettings, block: RecordBlock, at: number): boolean {
  const { dropDeletes, expiredAtMs, shape } = settings
  if (dropDeletes && ((block.ints[at + 1] as number) & GONE_FLAG) !== 0) return false
  const word = shape.layout.writtenWord
  return word < 0 || (block.words[(at >> 1) + word] as number) > expiredAtMs
}
