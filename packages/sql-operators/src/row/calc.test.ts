/** Calc: filter and projection of batches, and of what is too large for one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf, type LogicalType, RowKind, type Schema, StringColumn } from '@millrace/core'
import { dictionaryColumn } from '@millrace/core/testing'
import { type Expression, makeCall } from '@millrace/expression'
import { OperatorHarness } from '../testing/operator-harness.ts'
import { Calc } from './calc.ts'

const STRING: LogicalType = { kind: 'STRING', nullable: true }
const INT: LogicalType = { kind: 'INT', nullable: false }
const schema: Schema = {
  fields: [
    { name: 'text', type: STRING },
    { name: 'times', type: INT },
  ],
}
const column = (index: number): Expression => ({
  kind: 'column',
  index,
  type: schema.fields[index]!.type,
})
const literal = (value: number): Expression => ({ kind: 'literal', value, type: INT })

function calc(repeat: Expression, filter: Expression | null) {
  const output = [makeCall('repeat', [column(0), repeat]), column(1)]
  const outputSchema: Schema = {
    fields: [{ name: 'r', type: output[0]!.type }, schema.fields[1]!],
  }
  const config = { filter, output, outputSchema }
  return new OperatorHarness({
    factory: (_config, context) => ({ kind: 'operator', operator: new Calc(config, context) }),
    config,
    outputSchema,
  })
}

/** 200 rows, of which 100 pass, each with a text of 400,000 bytes: 40 MB in all. */
const TIMES = 200_000
const rows = Array.from({ length: 200 }, (_, i) => [['ab', 'cd', 'ef'][i % 3] as string, i])
const passes = makeCall('>=', [column(1), literal(100)])

for (const form of ['references', 'a dictionary']) {
  test(`rows that a projection makes very long leave in several batches: ${form}`, async () => {
    // All rows' texts were written into one array, which grew until the slot died.
    const harness = calc(form === 'references' ? columnTimes() : literal(TIMES), passes)
    await harness.open()
    const batch = batchOf(
      schema,
      rows,
      rows.map((_, i) => (i % 2 === 0 ? RowKind.INSERT : RowKind.DELETE)),
    )
    if (form === 'a dictionary') {
      batch.columns[0] = dictionaryColumn(rows.map(([text]) => text as string))
      assert.ok(batch.columns[0] instanceof StringColumn)
    }
    harness.operator.processBatch(0, batch)
    const kept = rows.slice(100)
    const { elements, batchSizes } = harness.output
    assert.equal(elements.length, kept.length)
    elements.forEach((element, i) => {
      assert.ok(element.kind === 'row')
      assert.equal(element.rowKind, i % 2 === 0 ? RowKind.INSERT : RowKind.DELETE)
      assert.equal(element.values[1], kept[i]![1])
      const text = element.values[0] as string
      assert.equal(text.length, 2 * TIMES)
      assert.ok(text.startsWith(kept[i]![0] as string))
    })
    if (form === 'references') assert.ok(batchSizes.length > 1)
  })
}

/** The same number for each row, that no dictionary can remember the result of. */
function columnTimes(): Expression {
  return makeCall('+', [literal(TIMES), makeCall('*', [column(1), literal(0)])])
}

test('a single row may be longer than a batch of texts', async () => {
  const harness = calc(literal(6_000_000), null)
  await harness.open()
  harness.operator.processBatch(0, batchOf(schema, [['éé', 1]]))
  assert.equal((harness.output.rows()[0]![0] as string).length, 12_000_000)
})
