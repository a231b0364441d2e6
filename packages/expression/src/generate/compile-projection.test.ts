/** What compiled projections pass on, drop, reuse and never execute. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf, ColumnBatch, rowsOf, type Schema, type StringColumn } from '@millrace/core'
import { dictionaryColumn } from '@millrace/core/testing'
import { CONSTANT_CONTEXT } from '../evaluation-context.ts'
import type { Expression } from '../expression.ts'
import { makeCall } from '../typing/infer-call.ts'
import { CodeBuilder } from './code-builder.ts'
import { compileProjection } from './compile-projection.ts'
import { ExpressionCompiler } from './expression-compiler.ts'

const schema: Schema = {
  fields: [
    { name: 'name', type: { kind: 'STRING', nullable: true } },
    { name: 'size', type: { kind: 'DOUBLE', nullable: true } },
  ],
}
const name: Expression = { kind: 'column', index: 0, type: schema.fields[0]!.type }
const size: Expression = { kind: 'column', index: 1, type: schema.fields[1]!.type }
const double = (value: number): Expression => ({
  kind: 'literal',
  value,
  type: { kind: 'DOUBLE', nullable: false },
})
const text = (value: string): Expression => ({
  kind: 'literal',
  value,
  type: { kind: 'STRING', nullable: false },
})
const large = makeCall('greater', [size, double(10)])
const batchOfSizes = (sizes: (number | null)[]) =>
  batchOf(
    schema,
    sizes.map((value) => [`n${value}`, value]),
  )

test('forwarded columns are passed on without a copy when no row is dropped', () => {
  const projection = compileProjection({
    filter: large,
    outputs: [size, name],
    inputSchema: schema,
  })
  const batch = batchOfSizes([11, 12])
  const result = projection(batch, CONSTANT_CONTEXT)
  assert.equal(result.columns[0], batch.columns[1])
  assert.equal(result.columns[1], batch.columns[0])
})

test('rows for which the filter is FALSE or NULL are dropped, with their row kinds', () => {
  const projection = compileProjection({ filter: large, outputs: null, inputSchema: schema })
  const batch = batchOfSizes([11, null, 5, 12])
  batch.rowKinds = Uint8Array.of(0, 1, 2, 3)
  const result = projection(batch, CONSTANT_CONTEXT)
  assert.deepEqual(rowsOf(result, schema), [
    ['n11', 11],
    ['n12', 12],
  ])
  assert.deepEqual([...result.rowKinds!.subarray(0, 2)], [0, 3])
  assert.equal(projection(batchOfSizes([1, 2]), CONSTANT_CONTEXT).rowCount, 0)
})

test('larger batches may follow smaller ones and no row may follow many', () => {
  const outputs = [name, makeCall('plus', [size, double(1)]), makeCall('upper', [name])]
  const projection = compileProjection({ filter: large, outputs, inputSchema: schema })
  const types = { fields: outputs.map(({ type }, i) => ({ name: `${i}`, type })) }
  for (const count of [3, 500, 0, 20_000, 2]) {
    const sizes = Array.from({ length: count }, (_, i) => i % 20)
    const expected = sizes.filter((s) => s > 10).map((s) => [`n${s}`, s + 1, `N${s}`])
    assert.deepEqual(rowsOf(projection(batchOfSizes(sizes), CONSTANT_CONTEXT), types), expected)
  }
})

test('a forwarded dictionary keeps its pool, and a function of it makes a dictionary that grows with it', () => {
  const projection = compileProjection({
    filter: large,
    outputs: [name, makeCall('upper', [name])],
    inputSchema: schema,
  })
  const batch = batchOfSizes([11, 5, 12, 13])
  const names = dictionaryColumn(['a', 'b', 'a', null]) as StringColumn
  batch.columns[0] = names
  const out = { fields: [schema.fields[0]!, { ...schema.fields[0]!, name: 'upper' }] }
  const result = projection(batch, CONSTANT_CONTEXT)
  const rows = [
    ['a', 'A'],
    ['a', 'A'],
    [null, null],
  ]
  assert.deepEqual(rowsOf(result, out), rows)
  const [forwarded, upper] = result.columns as [StringColumn, StringColumn]
  assert.equal(forwarded.pool, names.pool)
  assert.equal(upper.pool.size, 1)
  const again = projection(new ColumnBatch(4, batch.columns), CONSTANT_CONTEXT)
  assert.equal((again.columns[1] as StringColumn).pool, upper.pool)
  assert.deepEqual(rowsOf(again, out), rows)
  assert.equal(upper.pool.size, 1)
})

test('texts of the user never become code', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is meant to look like code
  const evil = "'); throw new Error('ran'); //`${1}"
  const projection = compileProjection({
    filter: makeCall('not_equals', [name, text(evil)]),
    outputs: [makeCall('concat', [name, text(evil)])],
    inputSchema: schema,
  })
  const result = projection(batchOfSizes([1]), CONSTANT_CONTEXT)
  assert.deepEqual(rowsOf(result, { fields: [schema.fields[0]!] }), [[`n1${evil}`]])
})

test('expressions can be embedded in a loop of another’s making', () => {
  const code = new CodeBuilder()
  const compiler = new ExpressionCompiler(code)
  const holds = compiler.compileFilter(large)
  code.emit(`if (${holds}) {`)
  const { value } = compiler.compile(makeCall('times', [size, double(2)]))
  code.emit(`sum += ${value} }`)
  const total = code.compile<(columns: unknown, rowCount: number, context: unknown) => number>(
    ['columns', 'rowCount', 'context'],
    `let sum = 0\nfor (let i = 0; i < rowCount; i++) {\n${code.takeBody()}\n}\nreturn sum`,
  )
  const batch = batchOfSizes([11, 5, null, 20])
  assert.equal(total(batch.columns, batch.rowCount, CONSTANT_CONTEXT), 62)
})
