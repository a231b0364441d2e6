/**
 * `values`: literal rows as a bounded source (VALUES, a SELECT without FROM).
 *
 * Only subtask 0 has rows. Union state: how many rows have left, so that a restart goes
 * on behind them.
 */
import {
  BATCH_ROWS_TARGET,
  ColumnBatch,
  ColumnBatchBuilder,
  encodeUtf8,
  type OperatorContext,
  type OperatorSnapshot,
  type PollResult,
  type SourceOperator,
} from '@millrace/core'
import { interpret } from '@millrace/expression'
import { evaluationSettings } from '../evaluate/evaluation-settings.ts'
import type { ValuesConfig } from '../operator-config.ts'

const NEXT = 'next'

export class Values implements SourceOperator {
  readonly #config: ValuesConfig
  readonly #context: OperatorContext
  #next = 0

  constructor(config: ValuesConfig, context: OperatorContext) {
    this.#config = config
    this.#context = context
  }

  open(): void {
    const decoder = new TextDecoder()
    for (const bytes of this.#context.restored?.readUnion(NEXT) ?? []) {
      this.#next = Math.max(this.#next, Number(decoder.decode(bytes)))
    }
  }

  poll(): PollResult {
    const { rows, outputSchema } = this.#config
    const first = this.#context.subtask.subtaskIndex === 0
    if (first && this.#next < rows.length) {
      const settings = evaluationSettings({ fields: [] }, this.#context)
      const noColumns = new ColumnBatch(1, [])
      const builder = new ColumnBatchBuilder(outputSchema)
      const end = Math.min(rows.length, this.#next + BATCH_ROWS_TARGET)
      for (; this.#next < end; this.#next++) {
        const row = rows[this.#next]!
        builder.appendRow(row.map((value) => interpret(value, noColumns, 0, settings)))
      }
      this.#context.output.emitBatch(builder.build())
      return 'more'
    }
    return 'end-of-input'
  }

  whenAvailable(): Promise<void> {
    return Promise.resolve()
  }

  snapshot(): OperatorSnapshot {
    if (this.#context.subtask.subtaskIndex !== 0) return {}
    return { union: { [NEXT]: [encodeUtf8(String(this.#next))] } }
  }

  close(): void {}
}
