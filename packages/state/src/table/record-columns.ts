/**
 * Between columns and records: a pass over the batch for each column, in one loop for each layout.
 *
 * Behind the slot index: `dropUnequal` compares keys with the records that their hashes led to.
 * Keys are equal as groups are: NULL equals NULL, all NaN are one, -0 and 0 are two. Invariant:
 * what `store` wrote, `sameAt` finds and `gatherField` gives back.
 */
import {
  allocateColumn,
  type Column,
  type RecordMemory,
  StringColumn,
  type StringPool,
} from '@millrace/core'
import type { FieldPlace } from './record-layout.ts'
import type { TextHeap } from './text-heap.ts'

/**
 * Loads the records of slots ahead, by loads that nothing waits for; gives a sum of what it saw, so
 * that they are made.
 */
export function loadRecords(
  { ints, stride }: RecordMemory,
  slots: Int32Array,
  rowCount: number,
): number {
  const last = stride * 2 - 1
  let sum = 0
  for (let i = 0; i < rowCount; i++) {
    // Both ends: it may lie in two cache lines.
    const at = (slots[i] as number) * stride * 2
    sum = (sum + (ints[at] as number) + (ints[at + last] as number)) | 0
  }
  return sum
}

/** Sets `slots[i]` to 0 where row i of `column` is not what the record of `slots[i]` holds. */
export function dropUnequal(
  column: Column,
  place: FieldPlace,
  memory: RecordMemory,
  texts: TextHeap,
  rowCount: number,
  slots: Int32Array,
): void {
  if (column.nulls !== null) {
    for (let i = 0; i < rowCount; i++) {
      const slot = slots[i] as number
      if (slot !== 0 && !sameAt(column, i, place, memory, texts, slot)) slots[i] = 0
    }
    return
  }
  switch (column.kind) {
    case 'i64':
      dropUnequalLongs(column.values, place, memory, rowCount, slots)
      break
    case 'str':
      dropUnequalTexts(column, place, memory, texts.pool, rowCount, slots)
      break
    case 'f64':
      dropUnequalDoubles(column.values, place, memory, rowCount, slots)
      break
    default:
      dropUnequalInts(column.values, place, memory, rowCount, slots)
  }
}

/** By 32-bit halves: no BigInt comes into being. */
function dropUnequalLongs(
  values: BigInt64Array,
  place: FieldPlace,
  memory: RecordMemory,
  rowCount: number,
  slots: Int32Array,
): void {
  const { ints } = memory
  const stride = memory.stride * 2
  const at = place.word * 2
  const { nullInt, nullBit } = place
  const halves = new Int32Array(values.buffer, values.byteOffset, rowCount * 2)
  for (let i = 0; i < rowCount; i++) {
    const base = (slots[i] as number) * stride
    const difference =
      ((ints[base + at] as number) ^ (halves[2 * i] as number)) |
      ((ints[base + at + 1] as number) ^ (halves[2 * i + 1] as number)) |
      ((ints[base + nullInt] as number) & nullBit)
    if (difference !== 0) slots[i] = 0
  }
}

function dropUnequalInts(
  values: Int32Array | Uint8Array,
  place: FieldPlace,
  memory: RecordMemory,
  rowCount: number,
  slots: Int32Array,
): void {
  const { words, ints, stride } = memory
  const { word, nullInt, nullBit } = place
  for (let i = 0; i < rowCount; i++) {
    const slot = slots[i] as number
    if (words[slot * stride + word] !== values[i]) slots[i] = 0
    else if (((ints[slot * stride * 2 + nullInt] as number) & nullBit) !== 0) slots[i] = 0
  }
}

function dropUnequalDoubles(
  values: Float64Array,
  place: FieldPlace,
  memory: RecordMemory,
  rowCount: number,
  slots: Int32Array,
): void {
  const { words, ints, stride } = memory
  const { word, nullInt, nullBit } = place
  for (let i = 0; i < rowCount; i++) {
    const slot = slots[i] as number
    if (!Object.is(words[slot * stride + word], values[i])) slots[i] = 0
    else if (((ints[slot * stride * 2 + nullInt] as number) & nullBit) !== 0) slots[i] = 0
  }
}

function dropUnequalTexts(
  column: StringColumn,
  place: FieldPlace,
  memory: RecordMemory,
  held: StringPool,
  rowCount: number,
  slots: Int32Array,
): void {
  const { words, stride } = memory
  const { pool, codes } = column
  for (let i = 0; i < rowCount; i++) {
    const slot = slots[i] as number
    if (slot === 0) continue
    const entry = words[slot * stride + place.word] as number
    const other = codes === null ? i : (codes[i] as number)
    if (entry < 0 || !sameBytes(held, entry, pool, other)) slots[i] = 0
  }
}

/** Whether row `row` of `column` is what the record of `slot` holds. */
export function sameAt(
  column: Column,
  row: number,
  place: FieldPlace,
  memory: RecordMemory,
  texts: TextHeap,
  slot: number,
): boolean {
  const isNull = column.nulls !== null && column.nulls[row] === 1
  const base = slot * memory.stride
  if (column.kind === 'str') {
    const entry = memory.words[base + place.word] as number
    if (isNull || entry < 0) return isNull && entry < 0
    const other = column.codes === null ? row : (column.codes[row] as number)
    return sameBytes(texts.pool, entry, column.pool, other)
  }
  const heldNull = ((memory.ints[base * 2 + place.nullInt] as number) & place.nullBit) !== 0
  if (isNull || heldNull) return isNull && heldNull
  if (column.kind === 'i64') return memory.longs[base + place.word] === column.values[row]
  return Object.is(memory.words[base + place.word], Number(column.values[row]))
}

/** As `sameAt`, for each column in its place. */
export function sameAtAll(
  columns: readonly Column[],
  row: number,
  places: readonly FieldPlace[],
  memory: RecordMemory,
  texts: TextHeap,
  slot: number,
): boolean {
  for (let c = 0; c < places.length; c++) {
    if (!sameAt(columns[c] as Column, row, places[c]!, memory, texts, slot)) return false
  }
  return true
}

/** Few at a time: a loop beats `set(subarray)`. */
export function copyInts(
  from: Int32Array,
  at: number,
  into: Int32Array,
  to: number,
  count: number,
): void {
  for (let n = 0; n < count; n++) into[to + n] = from[at + n] as number
}

/** Writes row `row` of `column` into the record of `slot`; a text becomes an entry of `texts`. */
export function store(
  column: Column,
  row: number,
  place: FieldPlace,
  memory: RecordMemory,
  texts: TextHeap,
  slot: number,
): void {
  const { words, longs, ints } = memory
  const at = slot * memory.stride + place.word
  const isNull = column.nulls !== null && column.nulls[row] === 1
  if (column.kind === 'str') {
    const entry = column.codes === null ? row : (column.codes[row] as number)
    words[at] = isNull ? -1 : texts.add(column.pool, entry)
    return
  }
  const flags = slot * memory.stride * 2 + place.nullInt
  if (isNull) {
    ints[flags] = (ints[flags] as number) | place.nullBit
    longs[at] = 0n
    return
  }
  ints[flags] = (ints[flags] as number) & ~place.nullBit
  if (column.kind === 'i64') longs[at] = column.values[row] as bigint
  else words[at] = column.values[row] as number
}

/**
 * As `store`, for rows `rows[0 … count)` and the records of `slots[0 … count)`, whose flags say no
 * NULL yet.
 */
export function storeRows(
  column: Column,
  rows: Int32Array,
  count: number,
  place: FieldPlace,
  memory: RecordMemory,
  texts: TextHeap,
  slots: Int32Array,
): void {
  if (column.kind === 'i64' && column.nulls === null) {
    storeLongs(column.values, rows, count, place, memory, slots)
    return
  }
  for (let n = 0; n < count; n++) {
    store(column, rows[n] as number, place, memory, texts, slots[n] as number)
  }
}

/** By 32-bit halves: no BigInt comes into being. */
function storeLongs(
  values: BigInt64Array,
  rows: Int32Array,
  count: number,
  { word }: FieldPlace,
  { ints, stride }: RecordMemory,
  slots: Int32Array,
): void {
  const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  for (let n = 0; n < count; n++) {
    const at = ((slots[n] as number) * stride + word) * 2
    const row = rows[n] as number
    ints[at] = halves[2 * row] as number
    ints[at + 1] = halves[2 * row + 1] as number
  }
}

/** A column of the field of `slots[from … to)`; a text column is codes into the heap's pool. */
export function gatherField(
  place: FieldPlace,
  memory: RecordMemory,
  texts: TextHeap,
  slots: Int32Array,
  from: number,
  to: number,
): Column {
  const nulls = gatherNulls(place, memory, slots, from, to)
  const count = to - from
  const { word } = place
  const { words, stride } = memory
  if (place.type === 'str') {
    const codes = new Int32Array(count)
    for (let i = 0; i < count; i++) {
      const entry = words[(slots[from + i] as number) * stride + word] as number
      codes[i] = entry < 0 ? 0 : entry
    }
    return new StringColumn(texts.pool, codes, nulls)
  }
  const column = allocateColumn(place.type, count)
  column.nulls = nulls
  if (column.kind === 'i64') {
    const halves = new Int32Array(column.values.buffer)
    const { ints } = memory
    for (let i = 0; i < count; i++) {
      const at = ((slots[from + i] as number) * stride + word) * 2
      halves[2 * i] = ints[at] as number
      halves[2 * i + 1] = ints[at + 1] as number
    }
  } else if (column.kind === 'f64') gatherDoubles(column.values, memory, word, slots, from)
  else if (column.kind !== 'str') gatherInts(column.values, memory, word, slots, from)
  return column
}

function gatherDoubles(
  values: Float64Array,
  memory: RecordMemory,
  word: number,
  slots: Int32Array,
  from: number,
): void {
  const { words, stride } = memory
  for (let i = 0; i < values.length; i++) {
    values[i] = words[(slots[from + i] as number) * stride + word] as number
  }
}

function gatherInts(
  values: Int32Array | Uint8Array,
  memory: RecordMemory,
  word: number,
  slots: Int32Array,
  from: number,
): void {
  const { words, stride } = memory
  for (let i = 0; i < values.length; i++) {
    values[i] = words[(slots[from + i] as number) * stride + word] as number
  }
}

function gatherNulls(
  place: FieldPlace,
  memory: RecordMemory,
  slots: Int32Array,
  from: number,
  to: number,
): Uint8Array | null {
  const { ints, words, stride } = memory
  const { word, nullInt, nullBit } = place
  const isText = place.type === 'str'
  if (!isText && nullBit === 0) return null
  let nulls: Uint8Array | null = null
  for (let i = from; i < to; i++) {
    const base = (slots[i] as number) * stride
    const isNull = isText
      ? (words[base + word] as number) < 0
      : ((ints[base * 2 + nullInt] as number) & nullBit) !== 0
    if (!isNull) continue
    nulls ??= new Uint8Array(to - from)
    nulls[i - from] = 1
  }
  return nulls
}

function sameBytes(a: StringPool, p: number, b: StringPool, q: number): boolean {
  const length = a.lengths[p] as number
  if (length !== b.lengths[q]) return false
  const from = a.starts[p] as number
  const other = b.starts[q] as number
  const x = a.bytes
  const y = b.bytes
  for (let i = 0; i < length; i++) if (x[from + i] !== y[other + i]) return false
  return true
}
