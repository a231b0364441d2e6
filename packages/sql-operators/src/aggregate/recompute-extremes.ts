/** MIN and MAX over a changelog: read anew from the counted values of the groups that a batch touched. */
import { ColumnBatchBuilder, type StringColumn, type Value } from '@millrace/core'
import { compareTexts } from '@millrace/expression'
import type { AccumulatorWord } from './accumulator-plan.ts'
import type { Aggregation } from './aggregation.ts'

export function recomputeExtremes(aggregation: Aggregation, slots: Int32Array): void {
  const { plan, counts } = aggregation
  if (counts === null) return
  plan.words.forEach((word, w) => {
    if (word.kind !== 'min' && word.kind !== 'max') return
    for (const slot of slots) {
      const extreme = extremeOf(word, counts.of(word.input, slot))
      if (extreme !== null) store(aggregation, word, slot, w, extreme)
      else if (word.storage === 'str') {
        aggregation.table.words[slot * aggregation.table.stride + w] = -1
      }
    }
  })
}

function extremeOf(word: AccumulatorWord, values: Iterable<readonly [Value, number]>): Value {
  let extreme: Value = null
  for (const [value, count] of values) {
    if (count <= 0 || value === null) continue
    if (extreme === null || isBeyond(word, value, extreme)) extreme = value
  }
  return extreme
}

function isBeyond(word: AccumulatorWord, value: Value, than: Value): boolean {
  return word.kind === 'min' ? isLess(value, than) : isLess(than, value)
}

function isLess(a: Value, b: Value): boolean {
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b) < 0
  return (a as number) < (b as number) || (b === 0 && Object.is(a, -0) && !Object.is(b, -0))
}

const TEXT = { fields: [{ name: 'text', type: { kind: 'STRING', nullable: false } }] } as const

function store(
  aggregation: Aggregation,
  word: AccumulatorWord,
  slot: number,
  w: number,
  value: Value,
): void {
  const { table, heap } = aggregation
  const at = slot * table.stride + w
  if (word.storage === 'i64') table.longs[at] = value as bigint
  else if (word.storage === 'f64') table.words[at] = Number(value)
  else {
    const builder = new ColumnBatchBuilder(TEXT, 1)
    builder.appendRow([value])
    table.words[at] = heap.add((builder.build().columns[0] as StringColumn).pool, 0)
  }
}
