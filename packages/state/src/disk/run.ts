/**
 * Run: entries of one partition as they were at one time, ordered by hash, in a temporary file.
 *
 *     run = block*       block = one encoded ColumnBatch: stored row · hash
 *
 * Between the write-back cache and the disk. A row of kind DELETE says that the key is gone,
 * whatever older runs say. Which block may hold a hash, and whether any does, is known in memory: a
 * look-up reads one block or none. Invariants: a run never changes; rows of one hash are in one
 * block; a key is there once.
 */
import { crc32 } from 'node:zlib'
import {
  type ColumnBatch,
  decodeBatch,
  encodeBatch,
  encodedBatchSize,
  type Int32Column,
  type Schema,
  type StateTableSpec,
  storedSchemaOf,
} from '@millrace/core'
import type { TemporaryFile } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import { KeyFilter } from './key-filter.ts'

/** What is read for one key: smaller ones cost more index, larger ones more copying. */
export const BLOCK_ROWS = 32
/** Encoded blocks are handed to the system so many bytes at a time, fewer of a small run. */
const WRITE_BYTES_MAX = 256 * 1024
const WRITE_BYTES_A_ROW = 64

/** The columns of a run's rows: those of a stored row, then the hash. */
export function runSchemaOf(spec: StateTableSpec): Schema {
  const hash = { name: '$hash', type: { kind: 'INT', nullable: false } } as const
  return { fields: [...storedSchemaOf(spec).fields, hash] }
}

export function hashesOf(rows: ColumnBatch): Int32Array {
  return (rows.columns.at(-1) as Int32Column).values as Int32Array
}

export class Run {
  readonly schema: Schema
  readonly rowCount: number
  readonly #file: TemporaryFile
  #filter: KeyFilter | null
  /** Of each block: smallest hash (unsigned), place, size and CRC-32. */
  readonly #firstHashes: Uint32Array
  readonly #offsets: Float64Array
  readonly #crcs: Uint32Array
  #users = 1

  constructor(schema: Schema, rowCount: number, written: WrittenBlocks) {
    this.schema = schema
    this.rowCount = rowCount
    this.#file = written.file
    this.#filter = written.filter
    this.#firstHashes = Uint32Array.from(written.firstHashes)
    this.#offsets = Float64Array.from([...written.offsets, written.file.size])
    this.#crcs = Uint32Array.from(written.crcs)
  }

  get blockCount(): number {
    return this.#firstHashes.length
  }

  get diskBytes(): number {
    return this.#file.size
  }

  get memoryBytes(): number {
    return (this.#filter?.bytes ?? 0) + this.blockCount * 16
  }

  mayHave(hash: number): boolean {
    return this.#filter === null || this.#filter.mayHave(hash)
  }

  /** The block among whose rows those of `hash` are. */
  blockIndexOf(hash: number): number {
    const wanted = hash >>> 0
    let low = 0
    let high = this.blockCount - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#firstHashes[middle] as number) <= wanted) low = middle
      else high = middle - 1
    }
    return low
  }

  bytesOf(index: number): number {
    return (this.#offsets[index + 1] as number) - (this.#offsets[index] as number)
  }

  /**
   * The rows of a block, as views on `bytes`, which has its size. Throws STATE_LOCAL_UNREADABLE.
   */
  block(index: number, bytes = new Uint8Array(this.bytesOf(index))): ColumnBatch {
    try {
      this.#file.read(bytes, this.#offsets[index] as number)
      if (crc32(bytes) === this.#crcs[index]) {
        return decodeBatch(bytes, 0, bytes.length, this.schema)
      }
    } catch (cause) {
      throw unreadable((cause as Error).message, cause)
    }
    throw unreadable('its checksum is wrong')
  }

  /** One more reader that will call `release`. */
  retain(): this {
    this.#users++
    return this
  }

  /** Nobody looks keys up any more; whoever retained it reads on. */
  retire(): void {
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

/** Blocks for look-ups, one after the other in one memory: rows are good until the next call. */
export class BlockReader {
  #memory = new Uint8Array(4096)
  #run: Run | null = null
  #index = -1
  #rows: ColumnBatch | null = null

  /** The rows of `run` among which those of `hash` are. Throws STATE_LOCAL_UNREADABLE. */
  rows(run: Run, hash: number): ColumnBatch {
    const index = run.blockIndexOf(hash)
    if (run === this.#run && index === this.#index && this.#rows !== null) return this.#rows
    const length = run.bytesOf(index)
    if (length > this.#memory.length) this.#memory = new Uint8Array(length * 2)
    this.forget()
    this.#rows = run.block(index, this.#memory.subarray(0, length))
    this.#run = run
    this.#index = index
    return this.#rows
  }

  /** Runs may be closed from here on. */
  forget(): void {
    this.#run = null
    this.#rows = null
  }
}

interface WrittenBlocks {
  readonly file: TemporaryFile
  readonly filter: KeyFilter
  readonly firstHashes: readonly number[]
  readonly offsets: readonly number[]
  readonly crcs: readonly number[]
}

export class RunWriter {
  readonly #schema: Schema
  readonly #file: TemporaryFile
  readonly #filter: KeyFilter
  readonly #firstHashes: number[] = []
  readonly #offsets: number[] = []
  readonly #crcs: number[] = []
  readonly #buffer: Uint8Array
  #buffered = 0
  #rowCount = 0

  /** For up to `rowsMax` rows. */
  constructor(schema: Schema, file: TemporaryFile, rowsMax: number) {
    this.#schema = schema
    this.#file = file
    this.#filter = new KeyFilter(rowsMax)
    this.#buffer = new Uint8Array(Math.min(WRITE_BYTES_MAX, rowsMax * WRITE_BYTES_A_ROW))
  }

  get rowCount(): number {
    return this.#rowCount
  }

  /**
   * The next rows as a block, in ascending order of their hashes (unsigned); all rows of a hash
   * come in one call. Throws STATE_LOCAL_WRITE_FAILED.
   */
  block(rows: ColumnBatch): void {
    const hashes = hashesOf(rows)
    const size = encodedBatchSize(rows, this.#schema)
    if (this.#buffered + size > this.#buffer.length) this.#flush()
    this.#firstHashes.push((hashes[0] as number) >>> 0)
    this.#offsets.push(this.#file.size + this.#buffered)
    for (let i = 0; i < rows.rowCount; i++) this.#filter.add(hashes[i] as number)
    this.#rowCount += rows.rowCount
    const into = size > this.#buffer.length ? new Uint8Array(size) : this.#buffer
    const at = into === this.#buffer ? this.#buffered : 0
    encodeBatch(rows, this.#schema, into, at)
    const bytes = into.subarray(at, at + size)
    this.#crcs.push(crc32(bytes))
    if (into === this.#buffer) this.#buffered += size
    else this.#append(bytes)
  }

  finish(): Run {
    this.#flush()
    return new Run(this.#schema, this.#rowCount, {
      file: this.#file,
      filter: this.#filter,
      firstHashes: this.#firstHashes,
      offsets: this.#offsets,
      crcs: this.#crcs,
    })
  }

  /** Nothing will come of it. */
  abandon(): void {
    this.#file.close()
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
