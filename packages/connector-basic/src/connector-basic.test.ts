/** datagen, print and blackhole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonFormat, type SourceSplit } from '@millrace/connector'
import {
  ContextRecord,
  enumeratorContext,
  readerContext,
  rowsOfBatch,
  testSourceReaderContract,
  writerContext,
} from '@millrace/connector/contract'
import {
  BATCH_BYTES_MAX,
  ColumnBatchBuilder,
  type LogicalType,
  RowKind,
  type Schema,
} from '@millrace/core'
import { createNodePlatform } from '@millrace/platform/node'
import { blackholeConnector, datagenConnector, printConnector } from './index.ts'

const platform = createNodePlatform()
const nullable = true
const schema: Schema = {
  fields: [
    { name: 'id', type: { kind: 'BIGINT', nullable } },
    { name: 'name', type: { kind: 'STRING', nullable } },
    { name: 'reading', type: { kind: 'DOUBLE', nullable } },
    { name: 'at', type: { kind: 'TIMESTAMP', precision: 3, nullable } },
  ],
}
const OPTIONS = {
  'rows-per-second': '1000000',
  'fields.id.kind': 'sequence',
  'fields.id.start': '1',
  'fields.id.end': '9000',
  'fields.name.length': '4',
  'fields.reading.min': '10',
  'fields.reading.max': '20',
  'fields.reading.null-rate': '0.1',
}
const formats = new Map([['json', jsonFormat]])
const source = datagenConnector.source as NonNullable<typeof datagenConnector.source>

async function splitsFor(parallelism: number): Promise<SourceSplit[]> {
  const splits: SourceSplit[] = []
  const fixed = { ...platform, random: { ...platform.random, next: () => 0.5 } }
  const clock = { ...platform.clock, nowMs: () => 1_795_000_000_000 }
  const settings = { platform: { ...fixed, clock }, schema, parallelism }
  const enumerator = source.createEnumerator(
    {},
    enumeratorContext(settings, (_, assigned) => splits.push(...assigned)),
  )
  await enumerator.start(null)
  return splits
}

async function rowsOfSplits(config: unknown, splits: readonly SourceSplit[]) {
  const rows = new Map<string, unknown[][]>()
  const reader = source.createReader(
    config,
    readerContext({ platform, schema }, new ContextRecord()),
  )
  reader.addSplits(splits)
  reader.noMoreSplits()
  const output = {
    emit: (id: string, batch: Parameters<typeof rowsOfBatch>[0]) => {
      rows.set(id, [...(rows.get(id) ?? []), ...rowsOfBatch(batch)])
    },
    splitCaughtUpEmpty() {},
    splitFinished() {},
  }
  for (let result = ''; result !== 'end-of-input'; result = reader.poll(output)) {
    if (result === 'empty') await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await reader.close()
  return rows
}

testSourceReaderContract('a datagen reader', async () => {
  const plan = source.plan({ tableName: 't', schema, options: OPTIONS, formats })
  const splits = await splitsFor(2)
  return {
    splits,
    expected: await rowsOfSplits(plan.config, splits),
    createReader: (record) =>
      source.createReader(plan.config, readerContext({ platform, schema }, record)),
    dispose: async () => {},
  }
})

test('datagen deals a sequence over its subtasks and keeps values in their ranges', async () => {
  const plan = source.plan({ tableName: 't', schema, options: OPTIONS, formats })
  assert.equal(plan.bounded, true)
  const rows = [...(await rowsOfSplits(plan.config, await splitsFor(3))).values()].flat()
  const ids = rows.map((row) => Number(row[0])).toSorted((a, b) => a - b)
  assert.deepEqual(
    ids,
    Array.from({ length: 9000 }, (_, i) => i + 1),
  )
  let nulls = 0
  for (const [, name, reading, at] of rows) {
    assert.match(name as string, /^[0-9a-f]{4}$/)
    if (reading === null) nulls++
    else assert.ok((reading as number) >= 10 && (reading as number) <= 20)
    assert.ok((at as number) >= 1_795_000_000_000)
  }
  assert.ok(nulls > 700 && nulls < 1100, `${nulls} NULLs`)
})

test('datagen keeps to the length and the range of a column’s type', async () => {
  const types: LogicalType[] = [
    { kind: 'STRING', length: 5, fixed: true, nullable },
    { kind: 'STRING', length: 7, nullable },
    { kind: 'TINYINT', nullable },
    { kind: 'FLOAT', nullable },
  ]
  const typed = { fields: types.map((type, i) => ({ name: `c${i}`, type })) }
  const options = { 'number-of-rows': '50', 'rows-per-second': '1000000' }
  const planOf = (more: Record<string, string>) =>
    source.plan({ tableName: 't', schema: typed, options: { ...options, ...more }, formats })
  const reader = source.createReader(
    planOf({}).config,
    readerContext({ platform, schema: typed }, new ContextRecord()),
  )
  reader.addSplits(await splitsFor(1))
  reader.noMoreSplits()
  const rows: unknown[][] = []
  const emit = (_: string, batch: Parameters<typeof rowsOfBatch>[0]) => {
    rows.push(...rowsOfBatch(batch))
  }
  while (reader.poll({ emit, splitCaughtUpEmpty() {}, splitFinished() {} }) !== 'end-of-input') {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await reader.close()
  assert.ok(rows.length > 0)
  for (const [char, varchar, tiny, float] of rows as [string, string, number, number][]) {
    assert.equal(char.length, 5)
    assert.equal(varchar.length, 7)
    assert.ok(tiny >= -128 && tiny <= 127)
    assert.equal(Math.fround(float), float)
  }
  assert.throws(() => planOf({ 'fields.c0.length': '4' }), /'fields.c0.length' to 5/)
  assert.throws(() => planOf({ 'fields.c1.length': '8' }), /'fields.c1.length' to at most 7/)
})

test('datagen puts fewer rows into a batch when their texts are long', async () => {
  const texts: Schema = { fields: [{ name: 's', type: { kind: 'STRING', nullable: true } }] }
  const options = { 'number-of-rows': '20', 'fields.s.length': '300000' }
  const { config } = source.plan({ tableName: 't', schema: texts, options, formats })
  const context = readerContext({ platform, schema: texts }, new ContextRecord())
  const reader = source.createReader(config, context)
  reader.addSplits(await splitsFor(1))
  reader.noMoreSplits()
  const counts: number[] = []
  const output = {
    emit: (_: string, { rowCount }: { rowCount: number }) => counts.push(rowCount),
    splitCaughtUpEmpty() {},
    splitFinished() {},
  }
  for (let result = ''; result !== 'end-of-input'; result = reader.poll(output)) {
    if (result === 'empty') await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await reader.close()
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    20,
  )
  for (const count of counts) assert.ok(count * 300_000 <= BATCH_BYTES_MAX, `${count} rows`)
})

test('datagen keeps to its rate', async () => {
  const options = { 'rows-per-second': '200', 'number-of-rows': '40' }
  const plan = source.plan({ tableName: 't', schema, options, formats })
  let nowMs = 1000
  const now = () => nowMs
  const clock = { ...platform.clock, monotonicMs: now, nowMs: now, setTimer: () => () => {} }
  const context = readerContext({ platform: { ...platform, clock }, schema }, new ContextRecord())
  const reader = source.createReader(plan.config, context)
  reader.addSplits(await splitsFor(2))
  reader.noMoreSplits()
  let rows = 0
  const output = {
    emit: (_: string, { rowCount }: { rowCount: number }) => void (rows += rowCount),
    splitCaughtUpEmpty() {},
    splitFinished() {},
  }
  for (let result = ''; result !== 'end-of-input'; result = reader.poll(output)) {
    if (result === 'empty') nowMs += 5
  }
  await reader.close()
  assert.equal(rows, 40)
  const elapsedMs = nowMs - 1000
  assert.ok(elapsedMs > 150 && elapsedMs <= 205, `${elapsedMs} ms`)
})

test('datagen refuses field options that it does not know, by name', () => {
  const cases: [Record<string, string>, RegExp, RegExp][] = [
    [{ 'fields.idd.kind': 'random' }, /column 'idd'/, /'id'/],
    [{ 'fields.id.knd': 'random' }, /'knd'/, /'kind'/],
    [{ 'row-per-second': '1' }, /'row-per-second'/, /'rows-per-second'/],
    [{ 'fields.id.kind': 'sequence' }, /start/, /^/],
    [{ 'fields.at.kind': 'sequence' }, /random for TIMESTAMP/, /^/],
  ]
  for (const [options, message, hint] of cases) {
    assert.throws(
      () => source.plan({ tableName: 't', schema, options, formats }),
      (error: Error & { hint?: string }) =>
        message.test(error.message) && hint.test(error.hint ?? ''),
    )
  }
})

test('print writes rows as the reference does, with identifier and subtask', async () => {
  const sink = printConnector.sink as NonNullable<typeof printConnector.sink>
  let text = ''
  const console = { write: (t: string) => (text += t), writeError() {} }
  const settings = { platform: { ...platform, console }, schema, subtaskIndex: 1, parallelism: 2 }
  const options = { 'print-identifier': 'out' }
  const { config, accepts } = sink.plan({ tableName: 't', schema, options, formats })
  assert.equal(accepts, 'retract')
  const writer = sink.createWriter(config, writerContext(settings, new ContextRecord()))
  const builder = new ColumnBatchBuilder(schema)
  const at = Date.UTC(2026, 10, 22, 10, 15)
  builder.appendRow([1n, 'a', 21, at])
  builder.appendRow([2n, null, 0.25, at + 30_500], RowKind.UPDATE_AFTER)
  await writer.open(null)
  writer.write(builder.build())
  assert.equal(
    text,
    'out:2> +I[1, a, 21.0, 2026-11-22T10:15]\nout:2> +U[2, null, 0.25, 2026-11-22T10:15:30.500]\n',
  )
})

test('blackhole takes changelogs and counts what it drops', () => {
  const sink = blackholeConnector.sink as NonNullable<typeof blackholeConnector.sink>
  const { config, accepts } = sink.plan({ tableName: 't', schema, options: {}, formats })
  assert.equal(accepts, 'upsert')
  const record = new ContextRecord()
  const writer = sink.createWriter(config, writerContext({ platform, schema }, record))
  const builder = new ColumnBatchBuilder(schema)
  builder.appendRow([1n, 'a', 21, 0])
  writer.write(builder.build())
  assert.equal(record.metrics.numRecordsSend, 1)
})
