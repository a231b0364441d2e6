/**
 * The records of a batch → where their values stand, as WebAssembly over a shared memory.
 *
 * What `RecordBatchReader` does record by record, for those that look as most do: varints of one or
 * two bytes, any timestamp, with or without a key. At anything else it stops, and the reader goes
 * on. record-batch-reader.bench.ts: 4.6 ns a record; the same in JavaScript takes 10.0.
 */
import {
  f64,
  type I32,
  i32,
  instantiateWasm,
  type Label,
  type Local,
  READ_AHEAD_BYTES,
  WasmFunction,
} from '@millrace/connector/wasm'

/** The memory that the records lie in: the function's second. */
const RECORDS = 1
/**
 * In front of the arrays: the batch's first offset and what its last is above that, and where
 * reading stopped.
 */
const BASE_OFFSET_AT = 8
const LAST_DELTA_AT = 16
const POSITION_AT = 20
const ARRAYS_AT = 64
const PAGE_BYTES = 65_536
const TWO_BYTES = 1 << 14
/** No more is read of a record before its end is known, or of a key. */
const LOOKED_AT_BYTES_MAX = 64 + TWO_BYTES / 2
if (LOOKED_AT_BYTES_MAX > READ_AHEAD_BYTES) throw new RangeError('Records are read too far')

/**
 * Reads records from the address `from` to `end`, `count` at most, into row `row` and on; values
 * are counted from the address `base`. Returns how many.
 */
type ReadSpans = (from: number, end: number, count: number, base: number, row: number) => number

class SpanCode {
  readonly #f = new WasmFunction(5, 2)
  readonly #p = this.#f.local('i32')

  module(capacity: number): WebAssembly.Module {
    const f = this.#f
    const [end, count, base] = [f.parameter(1), f.parameter(2), f.parameter(3)]
    const row = f.parameter(4)
    const read = f.local('i32')
    const at = f.keep(f.parameter(0))
    f.block((stop) => {
      f.loop((again) => {
        f.jumpIf(stop, i32.geU(read, count))
        f.set(this.#p, at)
        const recordEnd = this.#end(end, stop)
        this.#skip(1)
        this.#skipVarint(recordEnd, stop)
        const offset = this.#varint(stop)
        f.jumpIf(stop, i32.gtU(offset, i32.load(i32.const(LAST_DELTA_AT))))
        this.#skipKey(stop)
        const length = this.#varint(stop)
        // A null value has length -1; less is none.
        f.jumpIf(stop, i32.geS(i32.const(-2), length))
        f.if(i32.geS(length, i32.const(0)), () =>
          f.jumpIf(stop, i32.gtU(i32.add(this.#p, length), recordEnd)),
        )
        f.jumpIf(stop, i32.gtU(this.#p, recordEnd))
        const row4 = f.keep(i32.shl(row, i32.const(2)))
        f.storeI32(row4, i32.sub(this.#p, base), startsAt())
        f.storeI32(row4, length, lengthsAt(capacity))
        const baseOffset = f64.load(i32.const(BASE_OFFSET_AT))
        const row8 = i32.shl(row, i32.const(3))
        f.storeF64(row8, f64.add(baseOffset, f64.convertI32S(offset)), offsetsAt(capacity))
        f.set(row, i32.add(row, i32.const(1)))
        f.set(read, i32.add(read, i32.const(1)))
        f.set(at, recordEnd)
        f.jump(again)
      })
    })
    f.storeI32(i32.const(POSITION_AT), at)
    return f.module(read)
  }

  #skip(bytes: number): void {
    this.#f.set(this.#p, i32.add(this.#p, i32.const(bytes)))
  }

  /** Where the record ends; jumps to `stop` when that is not in front of `end`. */
  #end(end: I32, stop: Label): Local<'i32'> {
    const f = this.#f
    f.jumpIf(stop, i32.geU(this.#p, end))
    const length = this.#varint(stop)
    const recordEnd = f.keep(i32.add(this.#p, length))
    f.jumpIf(stop, i32.gtU(recordEnd, end))
    f.jumpIf(stop, i32.ltU(recordEnd, this.#p))
    return recordEnd
  }

  /** A signed number of one or two bytes; jumps to `stop` when it has more. */
  #varint(stop: Label): Local<'i32'> {
    const f = this.#f
    const raw = f.keep(i32.load8U(this.#p, 0, RECORDS))
    this.#skip(1)
    f.if(i32.geU(raw, i32.const(0x80)), () => {
      const second = f.keep(i32.load8U(this.#p, 0, RECORDS))
      f.jumpIf(stop, i32.geU(second, i32.const(0x80)))
      this.#skip(1)
      f.set(raw, i32.or(i32.and(raw, i32.const(0x7f)), i32.shl(second, i32.const(7))))
    })
    const sign = i32.sub(i32.const(0), i32.and(raw, i32.const(1)))
    return f.keep(i32.xor(i32.shrU(raw, i32.const(1)), sign))
  }

  #skipVarint(recordEnd: I32, stop: Label): void {
    const f = this.#f
    const byte = f.local('i32')
    f.loop((again) => {
      f.set(byte, i32.load8U(this.#p, 0, RECORDS))
      this.#skip(1)
      f.jumpIf(stop, i32.gtU(this.#p, recordEnd))
      f.jumpIf(again, i32.geU(byte, i32.const(0x80)))
    })
  }

  #skipKey(stop: Label): void {
    const f = this.#f
    const length = this.#varint(stop)
    f.if(i32.geS(length, i32.const(0)), () => f.set(this.#p, i32.add(this.#p, length)))
  }
}

const startsAt = () => ARRAYS_AT
const lengthsAt = (capacity: number) => ARRAYS_AT + 4 * capacity
const offsetsAt = (capacity: number) => ARRAYS_AT + 8 * capacity

const modules = new Map<number, WebAssembly.Module>()

function moduleFor(capacity: number): WebAssembly.Module {
  const module = modules.get(capacity) ?? new SpanCode().module(capacity)
  modules.set(capacity, module)
  return module
}

/** Arrays of spans in a memory of WebAssembly, for `capacity` records: a multiple of two. */
export class SpanMemory {
  readonly starts: Int32Array
  readonly lengths: Int32Array
  readonly offsets: Float64Array
  /** Address after the records that the last `read` read. */
  position = 0
  #base = 0
  readonly #memory: WebAssembly.Memory
  readonly #view: DataView
  readonly #module: WebAssembly.Module
  readonly #over = new WeakMap<WebAssembly.Memory, ReadSpans>()

  constructor(capacity: number) {
    const bytes = ARRAYS_AT + 16 * capacity
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) })
    const { buffer } = this.#memory
    this.#view = new DataView(buffer)
    this.starts = new Int32Array(buffer, startsAt(), capacity)
    this.lengths = new Int32Array(buffer, lengthsAt(capacity), capacity)
    this.offsets = new Float64Array(buffer, offsetsAt(capacity), capacity)
    this.#module = moduleFor(capacity)
  }

  /** The batch that `read` reads; its values' starts are counted from the address `base`. */
  batch(base: number, baseOffset: number, lastDelta: number): void {
    this.#base = base
    this.#view.setFloat64(BASE_OFFSET_AT, baseOffset, true)
    this.#view.setInt32(LAST_DELTA_AT, lastDelta, true)
  }

  /**
   * Records from the address `from` to `end` of `records`, `count` at most, into entry `row` and
   * on; returns how many were read before one that is left to the caller.
   */
  read(records: WebAssembly.Memory, from: number, end: number, count: number, row: number): number {
    let run = this.#over.get(records)
    if (run === undefined) {
      run = instantiateWasm<ReadSpans>(this.#module, this.#memory, records)
      this.#over.set(records, run)
    }
    const read = run(from, end, count, this.#base, row)
    this.position = this.#view.getInt32(POSITION_AT, true)
    return read
  }
}
