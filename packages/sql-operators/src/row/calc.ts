/** `calc`: filter, then project. Row kinds stay with their rows. */
import type { ColumnBatch, Operator, OperatorContext, OperatorSnapshot } from '@millrace/core'
import { compileFilterAndProject, emitProjected } from '../evaluate/compile-columns.ts'
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

  readonly #emit = (batch: ColumnBatch): void => this.#context.output.emitBatch(batch)

  open(): void {}

  processBatch(_input: number, batch: ColumnBatch): void {
    emitProjected(this.#project, batch, this.#emit)
  }

  endInput(): void {}

  snapshot(): OperatorSnapshot {
    return {}
  }

  close(): void {}
}
