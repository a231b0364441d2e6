/**
 * The generator against its oracle, the interpreter: values and errors on random trees, and
 * constant folding on the same.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ColumnBatch,
  isMillraceError,
  type LogicalType,
  type Schema,
  toErrorData,
  type Value,
  valueAt,
} from '@millrace/core'
import { randomBatch, seededRandom } from '@millrace/core/testing'
import type { Expression } from '../expression.ts'
import { interpret } from '../interpreter/interpret.ts'
import { foldConstants } from '../tree/fold-constants.ts'
import { formatExpression } from '../tree/format-expression.ts'
import { columnsUsed } from '../tree/walk-expression.ts'
import { compileProjection } from './compile-projection.ts'
import { RANDOM_TYPES, RandomExpressions } from './random-expression.ts'

const SCHEMA: Schema = {
  fields: RANDOM_TYPES.map((type, i) => ({ name: `c${i}`, type })),
}
const NAMES = SCHEMA.fields.map(({ name }) => name)
const CONTEXT = { nowMs: () => 1_790_000_000_123, localTimeZone: 'Europe/Berlin' }

/** What a column of the type keeps of a value. */
function stored(value: Value, type: LogicalType): Value {
  if (value === null) return null
  if (type.kind === 'INT' || type.kind === 'DATE' || type.kind === 'INTERVAL_YEAR_MONTH') {
    return (value as number) | 0
  }
  return typeof value === 'bigint' ? BigInt.asIntN(64, value) : value
}

type Outcome = { rows: unknown[][] } | { code: string; message: string }

function outcomeOf(run: () => unknown[][], label: string): Outcome {
  try {
    return { rows: run() }
  } catch (error) {
    assert.ok(isMillraceError(error), `${label}: ${(error as Error).stack}`)
    const { code, message } = toErrorData(error)
    return { code, message }
  }
}

function interpreted(filter: Expression | null, outputs: Expression[], batch: ColumnBatch) {
  const kept: number[] = []
  for (let row = 0; row < batch.rowCount; row++) {
    if (filter === null || interpret(filter, batch, row, CONTEXT) === true) kept.push(row)
  }
  return kept.map((row) => [
    batch.rowKinds === null ? 0 : batch.rowKinds[row],
    ...outputs.map((output) => stored(interpret(output, batch, row, CONTEXT), output.type)),
  ])
}

function rowsOfResult(result: ColumnBatch, outputs: Expression[]): unknown[][] {
  return Array.from({ length: result.rowCount }, (_, row) => [
    result.rowKinds === null ? 0 : result.rowKinds[row],
    ...outputs.map((_, c) => valueAt(result.columns[c]!, row)),
  ])
}

const TREES = Number(process.env.MILLRACE_DIFFERENTIAL_TREES ?? 800)

test('generated code gives the interpreter’s values and errors on random trees', () => {
  let failing = 0
  for (let seed = 1; seed <= TREES; seed++) {
    const random = seededRandom(seed * 7919)
    const trees = new RandomExpressions(SCHEMA, random)
    const filter = random() < 0.3 ? trees.condition(2) : null
    const outputs = [trees.any(1 + Math.floor(random() * 4)), trees.any(2), trees.any(0)]
    const projection = compileProjection({ filter, outputs, inputSchema: SCHEMA })
    const label = () =>
      `seed ${seed}: ${outputs.map((output) => formatExpression(output, NAMES)).join(' ; ')}` +
      (filter === null ? '' : ` WHERE ${formatExpression(filter, NAMES)}`)
    for (let round = 0; round < 2; round++) {
      const batch = randomBatch(SCHEMA, Math.floor(random() * 24), random)
      const expected = outcomeOf(() => interpreted(filter, outputs, batch), label())
      const actual = outcomeOf(() => rowsOfResult(projection(batch, CONTEXT), outputs), label())
      assert.deepEqual(actual, expected, label())
      if ('code' in expected) failing++
    }
  }
  assert.ok(failing > TREES / 50, 'too few trees fail to test errors')
  assert.ok(failing < TREES, 'too many trees fail to test values')
})

test('folding constants changes no value', () => {
  for (let seed = 1; seed <= 1000; seed++) {
    const random = seededRandom(seed * 104_729)
    const expression = new RandomExpressions(SCHEMA, random).any(3)
    const folded = foldConstants(expression)
    const batch = randomBatch(SCHEMA, 8, random)
    const label = `seed ${seed}: ${formatExpression(expression, NAMES)}`
    const expected = outcomeOf(() => interpreted(null, [expression], batch), label)
    if ('code' in expected) continue
    assert.deepEqual(interpreted(null, [folded], batch), expected.rows, label)
    assert.ok(columnsUsed(folded).length <= columnsUsed(expression).length)
  }
})
