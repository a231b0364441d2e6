/**
 * Templates of records: what stands where in a record of one shape and of given lengths of all its
 * values, as bounds of each byte.
 *
 * Records of a shape differ in few lengths. A record that keeps to the bounds of a template has its
 * values where the template says (`template-code.ts`); templates are made of records that were read
 * (`record-templates.ts`). Here: what a template looks like in the memory of scanners.
 */
import type { Field } from '@millrace/core'
import { TEMPLATE_BYTES_MAX, TEMPLATE_RECORD_BYTES_MAX, type TemplateArea } from './scan-memory.ts'
import type { RecordShape } from './shape-scanner.ts'
import { timeTextBytes, type ValueKind } from './wide-kinds.ts'

/** The next template of the length, or zero; then the vectors of bounds, then the values. */
const HEAD_BYTES = 16
/** Of sixteen bytes of a record: the least of each, how much more each may be. */
const BOUND_BYTES = 32
/** Further, where texts are taken as they are: which bytes are theirs. */
const BOUND_BYTES_WITH_TEXTS = 48
export const RANGE_AT = 16
export const TEXT_MASK_AT = 32

/** A record may be so much longer than that which showed the shape. */
const LONGER_BYTES = 8

/**
 * Of a value: a vector (the mask of a text's bytes, or how its digits come to the right end), what
 * to divide by or to multiply with, where it is in the record, its length or what it is.
 */
const VALUE_BYTES = 32
export const FACTOR_AT = 16
export const PLACE_AT = 24
export const LENGTH_AT = 28

export interface TemplateValue {
  /** -1: nobody wants it. */
  readonly column: number
  readonly kind: ValueKind
  /** It is a text that is given a code. */
  readonly hasCode: boolean
  /** Of a timestamp: bytes without quotes and zone. */
  readonly timeBytes: number
  readonly hasZone: boolean
  /** Where it stands in a template. */
  readonly at: number
}

export interface TemplateLayout {
  readonly area: TemplateArea
  readonly literals: readonly Uint8Array[]
  readonly values: readonly TemplateValue[]
  /** Vectors of bounds: no record that is longer has a template. */
  readonly vectors: number
  readonly hasPlainTexts: boolean
  /** Of a template. */
  readonly bytes: number
}

export function boundsAt({ hasPlainTexts }: TemplateLayout, vector: number): number {
  return HEAD_BYTES + vector * (hasPlainTexts ? BOUND_BYTES_WITH_TEXTS : BOUND_BYTES)
}

/** Null when records of the shape are too long. */
export function templateLayoutOf(
  fields: readonly Field[],
  { literals, columns, samples }: RecordShape,
  kinds: readonly ValueKind[],
  hasCodes: readonly boolean[],
  area: TemplateArea,
): TemplateLayout | null {
  const parts = [...literals, ...samples]
  const sampleBytes = parts.reduce((sum, { length }) => sum + length, 0)
  const vectors = Math.ceil((sampleBytes + LONGER_BYTES) / 16)
  if (vectors * 16 > TEMPLATE_RECORD_BYTES_MAX) return null
  const codeOf = (column: number) => column >= 0 && hasCodes[column] === true
  const hasPlainTexts = kinds.some((kind, i) => kind === 'text' && !codeOf(columns[i] as number))
  const layout = { area, literals, vectors, hasPlainTexts, bytes: 0, values: [] }
  const valuesAt = boundsAt(layout, vectors)
  const values = kinds.map((kind, i): TemplateValue => {
    const column = columns[i] as number
    const field = fields[column]
    const isTime = kind === 'time' && field !== undefined
    return {
      ...{ column, kind, hasCode: kind === 'text' && codeOf(column) },
      timeBytes: isTime ? timeTextBytes(field, samples[i] as Uint8Array) : 0,
      hasZone: isTime && field.type.kind === 'TIMESTAMP_LTZ',
      at: valuesAt + i * VALUE_BYTES,
    }
  })
  const bytes = valuesAt + values.length * VALUE_BYTES
  return bytes > TEMPLATE_BYTES_MAX ? null : { ...layout, values, bytes }
}
