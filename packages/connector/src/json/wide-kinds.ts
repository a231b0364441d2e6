/**
 * Which shapes of records wide scanners are generated for (`wide-code.ts`), and how each of their
 * values is read, as a record of the shape shows it.
 */
import type { Field } from '@millrace/core'
import { READ_AHEAD_BYTES } from '../wasm/shared-memory.ts'
import type { RecordShape } from './shape-scanner.ts'

/** So far a scanner goes at most for one value, once it is past the record's end. */
const VALUE_BYTES_MAX = 64
const QUOTE = 34
const COLON = 58
const LETTER_F = 102
const LETTER_T = 116
const MINUS = 45
const ZERO = 48
const SECONDS_TEXT_BYTES = 19
const MILLIS_TEXT_BYTES = 23

/** `HH:MM:SS.mmm`: what stands between digits is zero after the exclusive or. */
export const TIME_PATTERN = [...Buffer.from('00:00:00.000'), 0, 0, 0, 0]
/** The largest value of each byte after that. */
export const TIME_LIMITS = [2, 9, 0, 5, 9, 0, 5, 9, 0, 9, 9, 9, 0, 0, 0, 0]

/** How one value of a shape is read. */
export type ValueKind = 'text' | 'number' | 'integer' | 'long' | 'boolean' | 'time'

function kindOf(field: Field, sample: Uint8Array): ValueKind | null {
  const { type } = field
  switch (type.kind) {
    case 'STRING':
      return 'text'
    case 'FLOAT':
    case 'DOUBLE':
      return 'number'
    case 'INT':
      return 'integer'
    case 'BIGINT':
      return 'long'
    case 'BOOLEAN':
      return 'boolean'
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return type.precision >= 3 && timeTextBytes(field, sample) > 0 ? 'time' : null
    default:
      return null
  }
}

/** Bytes of a timestamp without quotes and zone; 0: of another length than is read here. */
export function timeTextBytes({ type }: Field, sample: Uint8Array): number {
  const bytes = sample.length - 2 - (type.kind === 'TIMESTAMP_LTZ' ? 1 : 0)
  return bytes === SECONDS_TEXT_BYTES || bytes === MILLIS_TEXT_BYTES ? bytes : 0
}

/** How a value that nobody wants is passed over. */
function kindOfSkipped(sample: Uint8Array): ValueKind | null {
  const first = sample[0] as number
  if (first === QUOTE) return 'text'
  if (first === LETTER_T || first === LETTER_F) return 'boolean'
  return first === MINUS || (first >= ZERO && first < COLON) ? 'number' : null
}

/** How the values of a shape are read; null when they are not all read so. */
export function wideKinds(fields: readonly Field[], shape: RecordShape): ValueKind[] | null {
  const { columns, literals, samples } = shape
  const literalBytes = literals.reduce((sum, { length }) => sum + length, 0)
  if (literalBytes + VALUE_BYTES_MAX * columns.length > READ_AHEAD_BYTES) return null
  // A column that the record does not have is NULL: the other scanner's.
  if (columns.filter((column) => column >= 0).length < fields.length) return null
  const kinds: ValueKind[] = []
  for (const [i, column] of columns.entries()) {
    const sample = samples[i] as Uint8Array
    const kind = column < 0 ? kindOfSkipped(sample) : kindOf(fields[column] as Field, sample)
    if (kind === null) return null
    kinds.push(kind)
  }
  return kinds
}
