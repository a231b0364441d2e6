/**
 * Columns of a pre-aggregated row: what the local phase sends to the global one, and the rows of the window state.
 *
 * Key columns (named and typed as in the output), `$slice_end`, then one column a word of the accumulator plan.
 */
import type { Field, LogicalType, Schema } from '@millrace/core'
import type { WindowAggregateConfig } from '../operator-config.ts'
import {
  type AccumulatorPlan,
  type AccumulatorWord,
  isMergeable,
  planAccumulators,
} from './accumulator-plan.ts'
import { SLICE_END } from './aggregate-state-names.ts'

const TYPE_OF_STORAGE: Record<AccumulatorWord['storage'], LogicalType> = {
  f64: { kind: 'DOUBLE', nullable: false },
  i64: { kind: 'BIGINT', nullable: false },
  str: { kind: 'STRING', nullable: true },
}

/** Schema of the edge between `local-window-aggregate` and `global-window-aggregate`. */
export function accumulatorSchema(config: WindowAggregateConfig): Schema {
  const plan = planAccumulators(config.aggregates)
  const keys = config.outputSchema.fields.slice(0, config.keys.length)
  return groupSchema(keys, [SLICE_END], plan)
}

/** Key columns, further columns of the group, accumulator words. */
export function groupSchema(
  keys: readonly Field[],
  further: readonly Field[],
  plan: AccumulatorPlan,
): Schema {
  const words = plan.words.map((word, index): Field => {
    const input = word.input < 0 ? 'rows' : `${word.kind}_${word.input}`
    return { name: `$${index}_${input}`, type: TYPE_OF_STORAGE[word.storage] }
  })
  return { fields: [...keys, ...further, ...words] }
}

/** Whether the aggregates of this configuration can be computed in two phases; else plan `twoPhase: false`. */
export function supportsTwoPhase(config: WindowAggregateConfig): boolean {
  return config.rowtime !== null && isMergeable(planAccumulators(config.aggregates))
}
