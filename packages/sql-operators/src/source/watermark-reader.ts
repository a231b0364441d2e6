/**
 * WatermarkReader: the largest event time and the largest watermark of a batch.
 *
 * On the record path right behind the decoder, before the filter. `rowtime - constant`, by far the most frequent
 * watermark, is one
 * loop over the rowtime column: the maximum of a difference is the difference of the maximum. Anything else is
 * evaluated as a column.
 */
import type { Column, ColumnBatch } from '@millrace/core'
import type { Expression } from '@millrace/expression'
import { type ColumnEvaluator, compileColumns } from '../evaluate/compile-columns.ts'
import type { EvaluationSettings } from '../evaluate/evaluation-settings.ts'

export class WatermarkReader {
  /** Largest event time of the last batch; -Infinity when all were NULL. */
  eventTimeMs = Number.NEGATIVE_INFINITY
  /** Largest watermark of the last batch; -Infinity when all were NULL. */
  watermarkMs = Number.NEGATIVE_INFINITY
  readonly #evaluate: ColumnEvaluator
  /** Watermark = rowtime - this; null: evaluated as the second column. */
  readonly #delayMs: number | null

  constructor(rowtime: Expression, watermark: Expression, settings: EvaluationSettings) {
    this.#delayMs = constantDelayOf(rowtime, watermark)
    this.#evaluate = compileColumns(
      this.#delayMs === null ? [rowtime, watermark] : [rowtime],
      settings,
    )
  }

  read(batch: ColumnBatch): void {
    const columns = this.#evaluate(batch)
    this.eventTimeMs = maximumOf(columns[0] as Column, batch.rowCount)
    this.watermarkMs =
      this.#delayMs === null
        ? maximumOf(columns[1] as Column, batch.rowCount)
        : this.eventTimeMs - this.#delayMs
  }
}

function maximumOf(column: Column, rowCount: number): number {
  if (column.kind !== 'f64') throw new TypeError(`Watermark over a ${column.kind} column`)
  const { values, nulls } = column
  let maximum = Number.NEGATIVE_INFINITY
  if (nulls === null) {
    for (let i = 0; i < rowCount; i++) {
      const value = values[i] as number
      if (value > maximum) maximum = value
    }
    return maximum
  }
  for (let i = 0; i < rowCount; i++) {
    const value = values[i] as number
    if (nulls[i] === 0 && value > maximum) maximum = value
  }
  return maximum
}

/** `c` when the watermark is `rowtime` or `rowtime - c`, else null. */
export function constantDelayOf(rowtime: Expression, watermark: Expression): number | null {
  if (sameTree(rowtime, watermark)) return 0
  if (watermark.kind !== 'call' || watermark.function !== 'minus') return null
  const [left, right] = watermark.args
  if (left === undefined || right === undefined || !sameTree(rowtime, left)) return null
  if (right.kind !== 'literal' || right.type.kind !== 'INTERVAL_DAY_TIME') return null
  return typeof right.value === 'number' ? right.value : null
}

/** Equal but for the types' attributes: `event_time` is *ROWTIME* in one place and plain in the other. */
function sameTree(a: Expression, b: Expression): boolean {
  return shapeOf(a) === shapeOf(b)
}

function shapeOf(expression: Expression): string {
  return JSON.stringify(expression, (key, value) =>
    key === 'type' ? (value as { kind: string }).kind : value,
  )
}
