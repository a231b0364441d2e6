/**
 * The JSON decoder against JSON.parse of a record's first document, over random documents and
 * corruptions of them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Field, OperatorMetrics } from '@millrace/core'
import { RecordSpans } from '../format.ts'
import { rowsOfBatch } from '../testing/batch-rows.ts'
import { JsonDecoder } from './json-decoder.ts'

/** mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const FIELDS: Field[] = [
  { name: 's', type: { kind: 'STRING', nullable: true } },
  { name: 'd', type: { kind: 'DOUBLE', nullable: true } },
  { name: 'b', type: { kind: 'BOOLEAN', nullable: true } },
]
const encoder = new TextEncoder()
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

type Random = () => number
const pick = <T>(random: Random, values: readonly T[]): T =>
  values[Math.floor(random() * values.length)] as T

function stringText(random: Random): string {
  const parts = [
    'a',
    'sensor',
    '7',
    '\u00fc',
    '\u{1f600}',
    '\\n',
    '\\u00e9',
    '\\ud83d\\ude00',
    '\\"',
  ]
  let text = ''
  for (let n = Math.floor(random() * 5); n > 0; n--) {
    text += pick(random, random() < 0.7 ? parts.slice(0, 3) : parts)
  }
  return `"${text}"`
}

function numberText(random: Random): string {
  const kind = random()
  if (kind < 0.5) return (random() * 100 - 50).toFixed(Math.floor(random() * 4))
  if (kind < 0.7) return String(random() * 10 ** Math.floor(random() * 40 - 20))
  if (kind < 0.8) return String(Math.floor(random() * 2 ** 53))
  return pick(random, ['0', '-0', '1e5', '1E-7', '123456789012345678901234567890', '0.1e+10'])
}

function nestedText(random: Random, depth: number): string {
  const kind = random()
  if (depth > 2 || kind < 0.3) return numberText(random)
  if (kind < 0.5) return stringText(random)
  if (kind < 0.6) return pick(random, ['true', 'false', 'null', '[]', '{}'])
  const members = Array.from({ length: Math.floor(random() * 3) }, () =>
    kind < 0.8
      ? nestedText(random, depth + 1)
      : `${stringText(random)}:${nestedText(random, depth + 1)}`,
  )
  return kind < 0.8 ? `[${members.join(', ')}]` : `{${members.join(',')}}`
}

/** A document of one of a few shapes, so that generated scanners take many of them. */
function documentText(random: Random): string {
  const space = random() < 0.1 ? ' ' : ''
  const fields = [
    () => `"s":${space}${random() < 0.1 ? 'null' : stringText(random)}`,
    () => `"d":${random() < 0.1 ? 'null' : numberText(random)}`,
    () => `"b":${pick(random, ['true', 'false', 'null'])}`,
    () => `"x":${nestedText(random, 0)}`,
    () => `"s":${stringText(random)}`,
  ]
  const count = random() < 0.8 ? 4 : Math.floor(random() * 6)
  const shift = random() < 0.1 ? 1 : 0
  const texts = Array.from({ length: count }, (_, i) => fields[(i + shift) % 5]?.())
  return `{${texts.join(`,${space}`)}${space}}`
}

function corrupt(random: Random, bytes: Uint8Array): Uint8Array {
  const result = Uint8Array.from(bytes)
  const at = Math.floor(random() * bytes.length)
  const kind = random()
  if (kind < 0.3) return result.slice(0, at)
  if (kind < 0.6) {
    result[at] = pick(random, [...encoder.encode('"\\,:{}[]0.eE-+ tn\n'), 0x80, 0xff, 0xc3, 0x01])
    return result
  }
  if (kind < 0.8) return Uint8Array.from([...result.slice(0, at), ...result.slice(at + 1)])
  return Uint8Array.from([...result.slice(0, at), pick(random, [48, 44, 34]), ...result.slice(at)])
}

/** The shortest beginning of the record that is a document. */
function firstDocument(bytes: Uint8Array): unknown {
  for (let end = bytes.indexOf(125) + 1; end > 0; end = bytes.indexOf(125, end) + 1) {
    try {
      return JSON.parse(strict.decode(bytes.subarray(0, end)))
    } catch {
      // A brace inside of it.
    }
  }
  throw new Error('no document')
}

/** What JSON.parse makes of the record; undefined when it, or the schema, refuses it. */
function expectedRow(bytes: Uint8Array): unknown[] | undefined {
  let value: Record<string, unknown>
  try {
    value = firstDocument(bytes) as Record<string, unknown>
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { s = null, d = null, b = null } = value
  if (s !== null && typeof s !== 'string') return undefined
  if (d !== null && typeof d !== 'number') return undefined
  if (b !== null && typeof b !== 'boolean') return undefined
  return [s === null ? null : (s as string).toWellFormed(), d, b]
}

/**
 * Corruptions can make a value of a type that the decoder takes and `expectedRow` does not judge.
 */
function isJudged(bytes: Uint8Array): boolean {
  try {
    const value = firstDocument(bytes) as Record<string, unknown>
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return true
    const fits = (v: unknown, type: string) => v === undefined || v === null || typeof v === type
    return fits(value.s, 'string') && fits(value.d, 'number') && fits(value.b, 'boolean')
  } catch {
    return true
  }
}

test('accepts exactly the records whose first document JSON.parse accepts, with equal values', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = randomOf(seed)
    const records = Array.from({ length: 300 }, () => {
      const bytes = encoder.encode(documentText(random))
      return random() < 0.3 ? corrupt(random, bytes) : bytes
    }).filter(isJudged)
    const expected = records.map(expectedRow)
    const decoder = new JsonDecoder(
      FIELDS,
      { timestampStandard: 'SQL', failOnMissingField: false, ignoreParseErrors: true },
      new OperatorMetrics(),
    )
    const bytes = Uint8Array.from(Buffer.concat(records))
    const lengths = Int32Array.from(records, (r) => r.length)
    const starts = new Int32Array(records.length)
    for (let i = 1; i < records.length; i++) {
      starts[i] = (starts[i - 1] as number) + (lengths[i - 1] as number)
    }
    const spans = new RecordSpans(bytes, starts, lengths, records.length)
    const rows: unknown[][] = []
    for (let from = 0; from < records.length; from += 70) {
      const to = Math.min(from + 70, records.length)
      rows.push(...rowsOfBatch(decoder.decode(spans, from, to, { locate: () => ({}) })))
    }
    let at = 0
    for (const [i, row] of expected.entries()) {
      if (row === undefined) continue
      const text = Buffer.from(records[i] as Uint8Array).toString()
      assert.deepEqual(rows[at++], row, `seed ${seed}, record ${i}: ${text}`)
    }
    assert.equal(at, rows.length, `seed ${seed}: accepted more than JSON.parse`)
  }
})
