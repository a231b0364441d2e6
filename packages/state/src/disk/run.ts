/**
 * Run: entries of one partition as they were at one time, ordered by hash, in a temporary file.
 *
 *     run = block*       block: `RecordBlock`
 *
 * Between the write-back cache and the disk. Which block may hold a hash, and whether any does, is
 * known in memory: a look-up reads one block or none. Invariants: a run never changes; rows of one
 * hash are in one block; a key is there once; what is read was compared with its checksum.
 */
import { crc32 } from 'node:zlib'
import type { RecordMemory, StringPool } from '@millrace/core'
import type { TemporaryFile } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import { giveBack } from '../table/give-back.ts'
import { KeyFilter } from './key-filter.ts'
import { BlockBuilder, type BlockShape, RecordBlock } from './record-block.ts'
import type { RecordOrder, RecordSource } from './record-order.ts'

/** What is read for one key: smaller ones cost more index, larger ones more copying. */
export const BLOCK_ROWS = 32
/** Blocks are handed to the system so many bytes at a time, fewer of a small run. */
const WRITE_BYTES_MAX = 256 * 1024
const WRITE_BYTES_A_ROW = 64
/** Of each block: smallest hash, place and CRC-32. */
const INDEX_BYTES_A_BLOCK = 16

export interface RunFile extends TemporaryFile {
  /** Nothing is appended any more. */
  seal?(): void
}

/** Blocks in the order of their rows: a run, or what a checkpoint finds in the cache. */
export interface SortedBlocks {
  readonly blockCount: number
  bytesOf(index: number): number
  /** Blocks `from` … `to`, side by side at the beginning of `into`. */
  read(from: number, to: number, into: RecordBlock): void
}

export class Run implements SortedBlocks {
  readonly rowCount: number
  readonly #file: TemporaryFile
  #filter: KeyFilter | null
  /** Unsigned. */
  readonly #firstHashes: Uint32Array
  readonly #offsets: Float64Array
  readonly #crcs: Uint32Array
  /** The first record of each block, of a table with sub columns. */
  readonly #firsts: RecordBlock | null
  #users = 1

  constructor(rowCount: number, written: WrittenBlocks) {
    this.rowCount = rowCount
    this.#file = written.file
    this.#filter = written.filter
    this.#firstHashes = Uint32Array.from(written.firstHashes)
    this.#offsets = Float64Array.from([...written.offsets, written.file.size])
    this.#crcs = Uint32Array.from(written.crcs)
    this.#firsts = written.firsts
  }

  get blockCount(): number {
    return this.#firstHashes.length
  }

  get diskBytes(): number {
    return this.#file.size
  }

  get memoryBytes(): number {
    const firsts = this.#firsts?.bytes.length ?? 0
    return (this.#filter?.bytes ?? 0) + this.blockCount * INDEX_BYTES_A_BLOCK + firsts
  }

  /** An entry by its hash, or with sub columns a key by its own. */
  mayHave(hash: number): boolean {
    return this.#filter === null || this.#filter.mayHave(hash)
  }

  /** The block among whose rows those of `hash` are. */
  blockIndexOf(hash: number): number {
    const firstHashes = this.#firstHashes
    const wanted = hash >>> 0
    let low = 0
    let high = firstHashes.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((firstHashes[middle] as number) <= wanted) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Of a table with sub columns: the last block that does not begin behind the record. */
  blockIndexOfRecord(order: RecordOrder, record: RecordSource): number {
    const firsts = this.#firsts as RecordBlock
    let low = 0
    let high = this.blockCount - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (order.compare(firsts, middle * firsts.strideInts, record, 0) <= 0) low = middle
      else high = middle - 1
    }
    return low
  }

  /** The last block that begins before the first entry of such a key; the first block else. */
  blockIndexBefore(keyHash: number): number {
    const firstHashes = this.#firstHashes
    const wanted = keyHash >>> 0
    let low = 0
    let high = firstHashes.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((firstHashes[middle] as number) < wanted) low = middle
      else high = middle - 1
    }
    return low
  }

  bytesOf(index: number): number {
    return (this.#offsets[index + 1] as number) - (this.#offsets[index] as number)
  }

  /** As `SortedBlocks.read`. Throws STATE_LOCAL_UNREADABLE. */
  read(from: number, to: number, into: RecordBlock): void {
    const start = this.#offsets[from] as number
    const bytes = into.room((this.#offsets[to] as number) - start)
    try {
      this.#file.read(bytes, start)
    } catch (cause) {
      throw unreadable((cause as Error).message, cause)
    }
    for (let index = from; index < to; index++) {
      const at = (this.#offsets[index] as number) - start
      const block = to - from === 1 ? bytes : bytes.subarray(at, at + this.bytesOf(index))
      if (crc32(block) !== this.#crcs[index]) throw unreadable('its checksum is wrong')
    }
  }

  /** One more reader that will call `release`. */
  retain(): this {
    this.#users++
    return this
  }

  /** Nobody looks keys up any more; whoever retained it reads on. */
  retire(): void {
    this.#filter?.giveBack()
    this.#filter = null
    this.release()
  }

  /** The file goes with the last user. */
  release(): void {
    this.#users--
    if (this.#users > 0) return
    this.#file.close()
  }
}

/** Look-ups, one after the other in one memory: what was found is good until the next one. */
export class KeyReader {
  readonly block: RecordBlock
  #run: Run | null = null
  #index = -1

  constructor(block: RecordBlock) {
    this.block = block
  }

  /** Opens the block of `run` among whose rows those of `hash` are. */
  open(run: Run, hash: number): void {
    this.openBlock(run, run.blockIndexOf(hash))
  }

  openBlock(run: Run, index: number): void {
    if (run === this.#run && index === this.#index) return
    this.forget()
    run.read(index, index + 1, this.block)
    this.block.open(0, run.bytesOf(index))
    this.#run = run
    this.#index = index
  }

  /** Runs may be closed from here on. */
  forget(): void {
    this.#run = null
  }
}

interface WrittenBlocks {
  readonly file: TemporaryFile
  readonly filter: KeyFilter
  readonly firstHashes: readonly number[]
  readonly offsets: readonly number[]
  readonly crcs: readonly number[]
  readonly firsts: RecordBlock | null
}

/**
 * Takes records in ascending order of their hashes (unsigned), or that of `RecordOrder`. Its calls
 * throw STATE_LOCAL_WRITE_FAILED.
 */
export class RunWriter {
  readonly #file: RunFile
  readonly #filter: KeyFilter
  readonly #firstHashes: number[] = []
  readonly #offsets: number[] = []
  readonly #crcs: number[] = []
  readonly #block: BlockBuilder
  /** The first record of each block, of a table with sub columns. */
  readonly #firsts: BlockBuilder | null
  readonly #shape: BlockShape
  readonly #keyHashInt: number
  readonly #buffer: Uint8Array
  #buffered = 0
  #lastHash = -1
  #lastKeyHash = -1
  rowCount = 0

  /** For up to `rowsMax` rows. */
  constructor(shape: BlockShape, file: RunFile, rowsMax: number) {
    this.#file = file
    this.#filter = new KeyFilter(rowsMax)
    this.#block = new BlockBuilder(shape, BLOCK_ROWS)
    this.#firsts =
      shape.order === null ? null : new BlockBuilder(shape, Math.ceil(rowsMax / BLOCK_ROWS))
    this.#shape = shape
    this.#keyHashInt = shape.layout.keyHashInt
    this.#buffer = new Uint8Array(Math.min(WRITE_BYTES_MAX, rowsMax * WRITE_BYTES_A_ROW))
  }

  addSlot(memory: RecordMemory, slot: number, pool: StringPool, isGone: boolean): void {
    const at = slot * memory.stride * 2
    if (this.#firsts === null) this.#next(memory.ints[at] as number)
    else if (this.#nextOrdered(memory.ints, at)) this.#firsts.addSlot(memory, slot, pool, false)
    this.#block.addSlot(memory, slot, pool, isGone)
  }

  addRecord(block: RecordBlock, at: number): void {
    if (this.#firsts === null) this.#next(block.ints[at] as number)
    else if (this.#nextOrdered(block.ints, at)) this.#firsts.addRecord(block, at)
    this.#block.addRecord(block, at)
  }

  finish(): Run {
    if (this.#block.rowCount > 0) this.#finishBlock()
    this.#flush()
    this.#file.seal?.()
    giveBack(this.#buffer)
    return new Run(this.rowCount, {
      file: this.#file,
      filter: this.#filter,
      firstHashes: this.#firstHashes,
      offsets: this.#offsets,
      crcs: this.#crcs,
      firsts: this.#firstRecords(),
    })
  }

  /** Nothing will come of it. */
  abandon(): void {
    giveBack(this.#buffer)
    this.#filter.giveBack()
    this.#file.close()
  }

  #next(hash: number): void {
    if (this.#block.rowCount >= BLOCK_ROWS && hash !== this.#lastHash) this.#finishBlock()
    if (this.#block.rowCount === 0) this.#firstHashes.push(hash >>> 0)
    this.#lastHash = hash
    this.#filter.add(hash)
    this.rowCount++
  }

  /** Of a table with sub columns; gives whether the record at `at` begins a block. */
  #nextOrdered(ints: Int32Array, at: number): boolean {
    const keyHash = ints[at + this.#keyHashInt] as number
    if (this.#block.rowCount >= BLOCK_ROWS) this.#finishBlock()
    const isFirst = this.#block.rowCount === 0
    if (isFirst) this.#firstHashes.push(keyHash >>> 0)
    // Scans ask for keys.
    if (keyHash !== this.#lastKeyHash || this.rowCount === 0) this.#filter.add(keyHash)
    this.#lastKeyHash = keyHash
    this.#filter.add(ints[at] as number)
    this.rowCount++
    return isFirst
  }

  #firstRecords(): RecordBlock | null {
    if (this.#firsts === null) return null
    const records = new RecordBlock(this.#shape)
    const length = this.#firsts.bytes
    this.#firsts.finishInto(records.exactly(length), 0)
    records.open(0, length)
    return records
  }

  #finishBlock(): void {
    const size = this.#block.bytes
    if (this.#buffered + size > this.#buffer.length) this.#flush()
    this.#offsets.push(this.#file.size + this.#buffered)
    const isLarge = size > this.#buffer.length
    const into = isLarge ? new Uint8Array(size) : this.#buffer
    const at = this.#buffered
    this.#block.finishInto(into, at)
    const bytes = into.subarray(at, at + size)
    this.#crcs.push(crc32(bytes))
    if (isLarge) this.#append(bytes)
    else this.#buffered += size
  }

  #flush(): void {
    if (this.#buffered > 0) this.#append(this.#buffer.subarray(0, this.#buffered))
    this.#buffered = 0
  }

  #append(bytes: Uint8Array): void {
    try {
      this.#file.append(bytes)
    } catch (cause) {
      throw writeFailed(cause)
    }
  }
}

/** What `TemporaryFiles.create` or an append threw, as a named error. */
export function writeFailed(cause: unknown): Error {
  return stateError(
    'STATE_LOCAL_WRITE_FAILED',
    `Cannot write state to the local disk: ${(cause as Error).message}.`,
    {
      hint: 'Free space in the directory of state.backend.rocksdb.localdir (else the first of io.tmp.dirs), or name another one there.',
      location: { optionKey: 'state.backend.rocksdb.localdir' },
      cause,
    },
  )
}

function unreadable(what: string, cause?: unknown): Error {
  return stateError('STATE_LOCAL_UNREADABLE', `Cannot read state from the local disk: ${what}.`, {
    hint: 'Check the disk of state.backend.rocksdb.localdir; the job goes back to its checkpoint.',
    location: { optionKey: 'state.backend.rocksdb.localdir' },
    ...(cause === undefined ? {} : { cause }),
  })
}
