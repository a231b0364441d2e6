/** `calc`: filter, then project; control elements pass through. Row kinds stay with their rows. */
import type { ColumnBatch, Operator, OperatorContext, OperatorSnapshot } from '@millrace/core'
import { compileFilterAndProject } from '../evaluate/compile-columns.ts'
import { evaluationSettings } from '../evaluate/evaluation-settings.ts'
import type { CalcConfig } from '../operator-config.ts'

export class Calc implements Operator {
  readonly #context: OperatorContext
  readonly #project: (batch: ColumnBatch) => ColumnBatch

  constructor(config: CalcConfig, context: OperatorContext) {
    this.#context = context
    const settings = evaluationSettings({ fields: [] }, context)
    this.#project = compileFilterAndProject(config.filter, config.output, settings)
  }

  open(): void {}

  processBatch(_input: number, batch: ColumnBatch): void {
    const projected = this.#project(batch)
    if (projected.rowCount > 0) this.#context.output.emitBatch(projected)
  }

  processWatermark(_input: number, timestampMs: number): void {
    this.#context.output.emitWatermark(timestampMs)
  }

  processWatermarkStatus(_input: number, idle: boolean): void {
    this.#context.output.emitWatermarkStatus(idle)
  }

  endInput(): void {}

  snapshot(): OperatorSnapshot {
    return {}
  }

  close(): void {}
}
