/**
 * The order in which records of a table with sub columns lie in runs: by the hash of their key,
 * then by sub columns, then by key.
 *
 * So the entries of a key lie side by side and in order: a scan reads on where it began, from
 * either end. Known to whoever writes, merges, looks up and scans. Invariant: two records are equal
 * in this order when they are of one entry, and only then.
 */
import { compareDoubles } from '../table/compare-records.ts'
import type { FieldPlace, RecordLayout } from '../table/record-layout.ts'

/** Where records lie: a block of a run, or the memory of a table. `at` is an integer of `ints`. */
export interface RecordSource {
  readonly ints: Int32Array
  readonly words: Float64Array
  readonly textBytes: Uint8Array
  /** Of the text whose word is at `at`: where it begins in `textBytes`; -1: NULL. */
  startOfText(at: number): number
  lengthOfText(at: number): number
}

export class RecordOrder {
  readonly keyHashInt: number
  readonly #fields: readonly FieldPlace[]

  constructor({ keyed, keyCount, keyHashInt }: RecordLayout) {
    this.keyHashInt = keyHashInt
    this.#fields = [...keyed.slice(keyCount), ...keyed.slice(0, keyCount)]
  }

  /** Below 0, 0 or above 0, as the record at `at` of `a` is before, equal to or after the other. */
  compare(a: RecordSource, at: number, b: RecordSource, other: number): number {
    const { keyHashInt } = this
    const x = (a.ints[at + keyHashInt] as number) >>> 0
    const y = (b.ints[other + keyHashInt] as number) >>> 0
    return x === y ? this.compareFields(a, at, b, other) : x - y
  }

  /** As `compare`, of records whose keys have one hash. */
  compareFields(a: RecordSource, at: number, b: RecordSource, other: number): number {
    const fields = this.#fields
    for (let f = 0; f < fields.length; f++) {
      const order = compareField(fields[f] as FieldPlace, a, at, b, other)
      if (order !== 0) return order
    }
    return 0
  }
}

function compareField(
  { type, word, nullInt, nullBit }: FieldPlace,
  a: RecordSource,
  at: number,
  b: RecordSource,
  other: number,
): number {
  const [p, q] = [at + word * 2, other + word * 2]
  if (type === 'str') return compareTexts(a, p, b, q)
  const aNull = ((a.ints[at + nullInt] as number) & nullBit) !== 0
  const bNull = ((b.ints[other + nullInt] as number) & nullBit) !== 0
  if (aNull || bNull) return (aNull ? 0 : 1) - (bNull ? 0 : 1)
  if (type === 'i64') {
    return compareLongs(a.ints, p, b.ints, q)
  }
  return compareDoubles(a.words[p >> 1] as number, b.words[q >> 1] as number)
}

/** By 32-bit halves: no BigInt comes into being. */
function compareLongs(a: Int32Array, at: number, b: Int32Array, other: number): number {
  const [x, y] = [a[at + 1] as number, b[other + 1] as number]
  return x === y ? ((a[at] as number) >>> 0) - ((b[other] as number) >>> 0) : x - y
}

/** NULL comes first, then by bytes. */
function compareTexts(a: RecordSource, at: number, b: RecordSource, place: number): number {
  const [start, other] = [a.startOfText(at), b.startOfText(place)]
  if (start < 0 || other < 0) return (start < 0 ? 0 : 1) - (other < 0 ? 0 : 1)
  const [bytes, otherBytes] = [a.textBytes, b.textBytes]
  const [length, otherLength] = [a.lengthOfText(at), b.lengthOfText(place)]
  const common = Math.min(length, otherLength)
  for (let i = 0; i < common; i++) {
    const difference = (bytes[start + i] as number) - (otherBytes[other + i] as number)
    if (difference !== 0) return difference
  }
  return length - otherLength
}
