/**
 * Wide scanners against the general parser: records of one shape, whole and with a byte changed,
 * are read by a decoder that has turned to vectors and, each alone, by a fresh one that has not.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { type Field, OperatorMetrics } from '@millrace/core'
import { RecordSpans } from '../format.ts'
import { rowsOfBatch } from '../testing/batch-rows.ts'
import { READ_AHEAD_BYTES, shareMemory } from '../wasm/shared-memory.ts'
import { DecodeTarget } from './decode-target.ts'
import { JsonDecoder } from './json-decoder.ts'
import { type JsonDecodeOptions, JsonRecordParser } from './json-record-parser.ts'
import { RecordTemplates } from './record-templates.ts'
import { type ShapeScanner, shapeOf } from './shape-scanner.ts'
import { type TemplateLayout, templateLayoutOf } from './template-layout.ts'
import { WideCode } from './wide-code.ts'
import { wideKinds } from './wide-kinds.ts'
import { compileWideScanner, WideScanner } from './wide-scanner.ts'

const OPTIONS: JsonDecodeOptions = {
  timestampStandard: 'ISO-8601',
  failOnMissingField: false,
  ignoreParseErrors: true,
}
const ORIGIN = { locate: () => ({}) }
const nullable = true

function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

type Random = () => number
const pick = <T>(random: Random, values: readonly T[]): T =>
  values[Math.floor(random() * values.length)] as T
const digits = (random: Random, count: number) =>
  Array.from({ length: count }, () => Math.floor(random() * 10)).join('')

const whole = (random: Random, most: number) =>
  pick(random, ['', '', '-']) +
  (random() < 0.2
    ? '0'
    : `${1 + Math.floor(random() * 9)}${digits(random, Math.floor(random() * most))}`)

const time = (random: Random, bytes: number) =>
  new Date(Date.UTC(2026, 10, 22) + Math.floor((random() - 0.5) * 1e9))
    .toISOString()
    .slice(0, bytes)

/** Fields and the text of a value of each. */
const KINDS: readonly [Field['type'], (random: Random) => string][] = [
  [{ kind: 'STRING', nullable }, (r) => `"id-${Math.floor(r() * 40)}"`],
  [{ kind: 'STRING', nullable }, (r) => `"${'abcdefghij'.repeat(5).slice(0, r() * 45)}"`],
  [{ kind: 'DOUBLE', nullable }, (r) => whole(r, 7) + (r() < 0.3 ? '' : `.${digits(r, 3)}`)],
  [{ kind: 'DOUBLE', nullable }, (r) => `${whole(r, 9)}.${digits(r, 1 + Math.floor(r() * 9))}`],
  [{ kind: 'FLOAT', nullable }, (r) => `${whole(r, 3)}.${digits(r, 2)}`],
  [{ kind: 'INT', nullable }, (r) => whole(r, 9)],
  [{ kind: 'BIGINT', nullable }, (r) => whole(r, 15)],
  [{ kind: 'BOOLEAN', nullable }, (r) => pick(r, ['true', 'false'])],
  [{ kind: 'TIMESTAMP', precision: 3, nullable }, (r) => `"${time(r, 23)}"`],
  [{ kind: 'TIMESTAMP', precision: 3, nullable }, (r) => `"${time(r, 19)}"`],
  [{ kind: 'TIMESTAMP_LTZ', precision: 3, nullable }, (r) => `"${time(r, 23)}Z"`],
]
/** What a corruption puts: what ends values, what numbers are made of, what is not ASCII. */
const BYTES = [...Buffer.from('"\\,:{}.-+eE/09 5Z\n'), 0x00, 0x1f, 0x7f, 0x80, 0xff]

interface Case {
  readonly fields: Field[]
  readonly record: (random: Random) => Buffer
}

/** Some fields in some order, between keys of any length, with and without spaces. */
function caseOf(random: Random): Case {
  const members = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, i) => {
    const [type, text] = pick(random, KINDS)
    const name = `${'k'.repeat(random() * 20)}${i}`
    return { name, type, text, isWanted: i === 0 || random() < 0.8 }
  })
  const space = random() < 0.2 ? ' ' : ''
  const wanted = members.filter(({ isWanted }) => isWanted)
  return {
    fields: wanted.map(({ name, type }) => ({ name, type })).sort(() => random() - 0.5),
    record: (r) =>
      Buffer.from(
        `{${members.map(({ name, text }) => `"${name}":${space}${text(r)}`).join(`,${space}`)}}`,
      ),
  }
}

function spansOf(records: readonly Buffer[]): RecordSpans {
  const starts = new Int32Array(records.length)
  const lengths = Int32Array.from(records, (record) => record.length)
  for (let i = 1; i < records.length; i++) {
    starts[i] = (starts[i - 1] as number) + (lengths[i - 1] as number)
  }
  return new RecordSpans(Buffer.concat(records), starts, lengths, records.length)
}

/** The same spans, in a memory that is shared, as far back as bytes may lie. */
function sharedSpans({ bytes, starts, lengths, count }: RecordSpans): RecordSpans {
  const pages = Math.ceil((bytes.length + READ_AHEAD_BYTES) / 65_536)
  const memory = new WebAssembly.Memory({ initial: pages })
  shareMemory(memory)
  const at = memory.buffer.byteLength - READ_AHEAD_BYTES - bytes.length
  const shared = new Uint8Array(memory.buffer, at, bytes.length)
  shared.set(bytes)
  return new RecordSpans(shared, starts, lengths, count)
}

function decode(decoder: JsonDecoder, records: readonly Buffer[]): unknown[] {
  return rowsOfBatch(decoder.decode(spansOf(records), 0, records.length, ORIGIN))
}

function changed(random: Random, record: Buffer): Buffer {
  const bytes = Buffer.from(record)
  const at = Math.floor(random() * bytes.length)
  if (random() < 0.3) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
  bytes[at] = pick(random, [...BYTES, (bytes[at] as number) ^ (1 << Math.floor(random() * 8))])
  return bytes
}

test('a record reads the same in vectors as it reads alone', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = randomOf(seed)
    const { fields, record } = caseOf(random)
    const decoder = new JsonDecoder(fields, OPTIONS, new OperatorMetrics())
    const inPlace = new JsonDecoder(fields, OPTIONS, new OperatorMetrics())
    const hot = Array.from({ length: 300 }, () => record(random))
    for (const each of [decoder, inPlace]) decode(each, hot)
    for (let round = 0; round < 2; round++) {
      const records = Array.from({ length: 250 }, () => {
        const whole = record(random)
        return random() < 0.1 ? changed(random, whole) : whole
      })
      const alone = records.flatMap((one) =>
        decode(new JsonDecoder(fields, OPTIONS, new OperatorMetrics()), [one]),
      )
      const spans = sharedSpans(spansOf(records))
      for (const rows of [
        decode(decoder, records),
        rowsOfBatch(inPlace.decode(spans, 0, spans.count, ORIGIN)),
      ]) {
        assert.equal(rows.length, alone.length, `seed ${seed}, round ${round}`)
        for (const [i, row] of rows.entries()) {
          assert.deepEqual(row, alone[i], `seed ${seed}, round ${round}, row ${i}`)
        }
      }
    }
  }
})

/** A wide scanner with nothing behind it: what it does not read is counted and left. */
function wideAlone(fields: Field[], sample: Buffer) {
  const target = new DecodeTarget(fields)
  target.beginBatch(1024)
  const parser = new JsonRecordParser(target, OPTIONS)
  const view = new DataView(sample.buffer, sample.byteOffset, sample.length)
  parser.parse(sample, view, 0, sample.length, 0)
  const shape = shapeOf(parser, sample, 0, sample.length)
  assert.ok(shape !== null)
  const misfits: number[] = []
  const narrow: ShapeScanner = (_t, _b, _v, _s, _l, from) => {
    misfits.push(from)
    return from + 1
  }
  const wide = compileWideScanner(shape, narrow, target, OPTIONS)
  const scan = (records: readonly Buffer[]) => {
    target.beginBatch(records.length)
    misfits.length = 0
    const { bytes, starts, lengths } = spansOf(records)
    const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const b = bytes
    assert.equal(
      (wide as WideScanner).scan(target, b, v, starts, lengths, 0, records.length, 0),
      records.length,
    )
    return [...misfits]
  }
  return { shape, target, narrow, wide, scan }
}

test('plain records are read in vectors, all of them', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = randomOf(seed)
    const { fields, record } = caseOf(random)
    const { scan, wide } = wideAlone(fields, record(random))
    assert.ok(wide !== null, `seed ${seed}`)
    const records = Array.from({ length: 700 }, () => record(random))
    const left = scan(records).filter((i) => {
      const numbers = [...records[i].toString('latin1').matchAll(/-?\d[\d.]*/g)]
      // More than fifteen digits with the sign, or nine of an INT, are the others' to read.
      return !numbers.some(([text]) => text.replace('.', '').length > 9)
    })
    assert.deepEqual(left, [], `seed ${seed}`)
  }
})

test('every form of number is read, or left, as JSON has it', () => {
  const field: Field = { name: 'n', type: { kind: 'DOUBLE', nullable } }
  const texts: string[] = []
  const alphabet = ['0', '7', '.', '-', '/', 'e']
  const extend = (text: string, length: number) => {
    texts.push(text)
    if (length > 0) for (const letter of alphabet) extend(text + letter, length - 1)
  }
  extend('', 5)
  for (const text of [
    '123456789012345',
    '0.12345678901234',
    '-12345678901234',
    '1234567.12345678',
  ]) {
    texts.push(text, `${text}9`, `${text}99`)
  }
  // Few enough at a time that the scanner does not give up.
  for (let from = 0; from < texts.length; from += 400) {
    const { scan, target } = wideAlone([field], Buffer.from('{"n":1}'))
    const part = texts.slice(from, from + 400)
    const left = new Set(scan(part.map((text) => Buffer.from(`{"n":${text}}`))))
    for (const [i, text] of part.entries()) {
      const isPlain = /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) && text.replace('.', '').length <= 15
      // A text that spans sixteen bytes could go on behind them.
      if (isPlain) assert.ok(!left.has(i) || text.length > 15, `left ${text}`)
      else assert.ok(left.has(i), `read ${text}`)
      if (!left.has(i)) assert.ok(Object.is(target.values[0]?.[i], Number(text)), text)
    }
  }
})

test('records of several runs, larger ones than a run, and null values go their ways', () => {
  const field: Field = { name: 's', type: { kind: 'STRING', nullable } }
  const decoder = new JsonDecoder([field], OPTIONS, new OperatorMetrics())
  const record = (length: number) => Buffer.from(`{"s":"${'x'.repeat(length)}"}`)
  decode(
    decoder,
    Array.from({ length: 300 }, (_, i) => record(i % 20)),
  )
  const lengths = Array.from({ length: 200 }, (_, i) => (i % 50 === 49 ? 70_000 : 100 + 7 * i))
  const rows = decode(decoder, lengths.map(record)) as unknown[][]
  assert.deepEqual(
    rows.map(([s]) => (s as string).length),
    lengths,
  )
  const spans = spansOf(lengths.map(record))
  spans.lengths[3] = -1
  spans.lengths[0] = -1
  const batch = decoder.decode(spans, 0, spans.count, ORIGIN)
  assert.equal(batch.rowCount, 198)
})

test('a record that goes on past its end is looked at no further than there is memory', () => {
  const type: Field['type'] = { kind: 'STRING', nullable }
  for (const columns of [1, 40, 200, 250]) {
    const fields: Field[] = Array.from({ length: columns }, (_, i) => ({ name: `c${i}`, type }))
    const text = (value: string) =>
      Buffer.from(`{${fields.map(({ name }) => `"${name}":"${value}"`).join()}}`)
    const decoder = new JsonDecoder(fields, OPTIONS, new OperatorMetrics())
    decode(
      decoder,
      Array.from({ length: 300 }, () => text('a')),
    )
    // It ends within its first value, and so do the bytes.
    const cut = [text('b'), text('c'), text('d').subarray(0, 8)]
    const spans = sharedSpans(spansOf(cut))
    const rows = rowsOfBatch(decoder.decode(spans, 0, spans.count, ORIGIN))
    assert.deepEqual(
      rows,
      ['b', 'c'].map((value) => fields.map(() => value)),
    )
  }
})

/** A text of any length, one with a code, numbers, times, what is skipped. */
const SAMPLE_FIELDS: Field[] = [
  { name: 'id', type: { kind: 'STRING', nullable } },
  { name: 'd', type: { kind: 'DOUBLE', nullable } },
  { name: 'f', type: { kind: 'FLOAT', nullable } },
  { name: 'i', type: { kind: 'INT', nullable } },
  { name: 'l', type: { kind: 'BIGINT', nullable } },
  { name: 'b', type: { kind: 'BOOLEAN', nullable } },
  { name: 't', type: { kind: 'TIMESTAMP', precision: 3, nullable } },
  { name: 'z', type: { kind: 'TIMESTAMP_LTZ', precision: 3, nullable } },
]
const sampleRecord = (r: Random) =>
  Buffer.from(
    `{"id":"s-${Math.floor(r() * 12)}","no":"${digits(r, 3)}","d":${whole(r, 2)}.${digits(r, 1)},` +
      `"f":${pick(r, ['0', '-7.5', '12.25'])},"i":${pick(r, ['0', '-12', '999999999'])},` +
      `"l":${pick(r, ['5', '-77', '123456789012345'])},"n":${pick(r, ['1', '23.5'])},` +
      `"b":${pick(r, ['true', 'false'])},"t":"2026-11-2${Math.floor(r() * 3)}T1${digits(r, 1)}:59:0` +
      `${digits(r, 1)}.${digits(r, 3)}","z":"2026-11-22T23:00:5${digits(r, 1)}Z"}`,
  )

/** Counts the records that no template took. */
class CountedTemplates extends RecordTemplates {
  unknown = 0
  readonly #word: Int32Array

  constructor(layout: TemplateLayout, memory: ArrayBuffer) {
    super(layout, memory)
    this.#word = new Int32Array(memory, layout.area.unknownAt, 1)
  }

  override learn(...run: Parameters<RecordTemplates['learn']>): void {
    this.unknown += this.#word[0] as number
    super.learn(...run)
  }
}

function scannerWithTemplates(fields: Field[], sample: Buffer) {
  const { shape, target, narrow } = wideAlone(fields, sample)
  const memory = target.inScanMemory()
  const kinds = wideKinds(fields, shape)
  const area = memory.takeTemplateArea()
  assert.ok(kinds !== null && area !== null)
  const hasCodes = target.strings.map((strings) => strings?.dictionary != null)
  const layout = templateLayoutOf(fields, shape, kinds, hasCodes, area)
  assert.ok(layout !== null)
  const module = new WideCode(fields, memory, hasCodes).build(shape, kinds, layout)
  assert.ok(module !== null)
  const templates = new CountedTemplates(layout, memory.memory.buffer)
  const wide = new WideScanner(module, memory, narrow, templates, target, OPTIONS)
  const unknownOf = (records: readonly Buffer[]) => {
    target.beginBatch(records.length)
    const { bytes, starts, lengths } = sharedSpans(spansOf(records))
    const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const before = templates.unknown
    wide.scan(target, bytes, v, starts, lengths, 0, records.length, 0)
    return templates.unknown - before
  }
  return { unknownOf }
}

test('records of lengths that were seen are read by templates, until they vary too much', () => {
  const random = randomOf(3)
  const id: Field = { name: 'id', type: { kind: 'STRING', nullable } }
  const record = (length: number) => Buffer.from(`{"id":"${'abcdefghijklmno'.slice(0, length)}"}`)
  const some = (lengths: number) =>
    Array.from({ length: 1000 }, () => record(Math.floor(random() * lengths)))
  const { unknownOf } = scannerWithTemplates([id], record(8))
  assert.equal(unknownOf(some(8)), 1000)
  assert.equal(unknownOf(some(8)), 0)
  const d: Field = { name: 'd', type: { kind: 'DOUBLE', nullable } }
  const e: Field = { name: 'e', type: { kind: 'DOUBLE', nullable } }
  const pair = () => {
    const digitsOfOne = 1 + Math.floor(random() * 11)
    const other = digits(random, 12 - digitsOfOne)
    return Buffer.from(`{"d":1${digits(random, digitsOfOne)},"e":1${other}}`)
  }
  const pairs = scannerWithTemplates([d, e], pair())
  const unknown = Array.from({ length: 12 }, () =>
    pairs.unknownOf(Array.from({ length: 1000 }, pair)),
  )
  // Eleven ways to one length, of which three are kept: not worth it.
  assert.deepEqual(unknown.slice(9), [1000, 1000, 1000])
})

test('a record of a known length with another byte in any place reads as it reads alone', () => {
  for (const column of [[], [0], [1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3, 4, 5, 6, 7]]) {
    const fields = SAMPLE_FIELDS.filter((_, i) => column.includes(i))
    if (fields.length === 0) fields.push({ name: 'no', type: { kind: 'STRING', nullable } })
    const random = randomOf(5)
    const record = Buffer.from(sampleRecord(random))
    const decoder = new JsonDecoder(fields, OPTIONS, new OperatorMetrics())
    for (let i = 0; i < 4; i++) decode(decoder, new Array<Buffer>(200).fill(record))
    for (let at = 0; at < record.length; at++) {
      const near = record[at] as number
      const changed = [...BYTES, near - 1, near + 1, near ^ 0x80, near ^ 0x20].map((byte) => {
        const bytes = Buffer.from(record)
        bytes[at] = byte
        return bytes
      })
      const alone = changed.flatMap((one) =>
        decode(new JsonDecoder(fields, OPTIONS, new OperatorMetrics()), [one]),
      )
      // Records that fit in between, or the scanner would give up.
      const mixed = changed.flatMap((one) => [one, ...new Array<Buffer>(12).fill(record)])
      const rows = decode(decoder, mixed)
      const [whole] = decode(new JsonDecoder(fields, OPTIONS, new OperatorMetrics()), [record])
      const changedRows = rows.filter((row) => !isDeepStrictEqual(row, whole))
      const expected = alone.filter((row) => !isDeepStrictEqual(row, whole))
      assert.deepEqual(changedRows, expected, `byte ${at}`)
      assert.equal(rows.length, alone.length + 12 * changed.length, `byte ${at}`)
    }
  }
})

test('records of a few lengths, some of them with a byte changed, read as they read alone', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = randomOf(100 + seed)
    const fields = SAMPLE_FIELDS.filter(() => random() < 0.7)
    if (fields.length === 0) continue
    const decoder = new JsonDecoder(fields, OPTIONS, new OperatorMetrics())
    for (let i = 0; i < 8; i++) {
      decode(
        decoder,
        Array.from({ length: 600 }, () => sampleRecord(random)),
      )
    }
    for (let round = 0; round < 4; round++) {
      const records = Array.from({ length: 300 }, () => {
        const whole = sampleRecord(random)
        if (random() < 0.9) return whole
        whole[Math.floor(random() * whole.length)] = pick(random, BYTES)
        return whole
      })
      const alone = records.flatMap((one) =>
        decode(new JsonDecoder(fields, OPTIONS, new OperatorMetrics()), [one]),
      )
      assert.deepEqual(decode(decoder, records), alone, `seed ${seed}, round ${round}`)
    }
  }
})

test('texts keep their codes, however many share a place', () => {
  const field: Field = { name: 's', type: { kind: 'STRING', nullable } }
  const decoder = new JsonDecoder([field], OPTIONS, new OperatorMetrics())
  const texts = Array.from({ length: 20_000 }, (_, i) => `t${(i * 7919) % 6000}`)
  for (let from = 0; from < texts.length; from += 1000) {
    const part = texts.slice(from, from + 1000)
    const rows = decode(
      decoder,
      part.map((text) => Buffer.from(`{"s":"${text}"}`)),
    )
    assert.deepEqual(
      rows,
      part.map((text) => [text]),
    )
  }
})
