/**
 * Columns of a pre-aggregated row: what the local phase sends to the global one, and the rows of
 * the window state.
 *
 * Key columns (named and typed as in the output), `$slice_end`, then one column a word of the
 * accumulator plan.
 */
import type { Field, LogicalType, Schema } from '@millrace/core'
import type { GroupAggregateConfig, WindowAggregateConfig } from '../../operator-config.ts'
import {
  type AccumulatorPlan,
  type AccumulatorWord,
  isMergeable,
  planAccumulators,
} from './accumulator-plan.ts'

/** Which group of its key a row of a window aggregate is: its slice's end, or its window's. */
export const SLICE_END: Field = {
  name: '$slice_end',
  type: { kind: 'TIMESTAMP', precision: 3, nullable: false },
}

const TYPE_OF_STORAGE: Record<AccumulatorWord['storage'], LogicalType> = {
  f64: { kind: 'DOUBLE', nullable: false },
  i64: { kind: 'BIGINT', nullable: false },
  str: { kind: 'STRING', nullable: true },
}

/** Schema of the edge between `local-window-aggregate` and `global-window-aggregate`. */
export function accumulatorSchema(config: WindowAggregateConfig): Schema {
  const keys = config.outputSchema.fields.slice(0, config.keys.length)
  return { fields: [...keys, SLICE_END, ...wordFields(planAccumulators(config.aggregates))] }
}

/** Schema of the edge between `local-group-aggregate` and `group-aggregate`. */
export function groupAccumulatorSchema(config: GroupAggregateConfig): Schema {
  const keys = config.outputSchema.fields.slice(0, config.keys.length)
  return { fields: [...keys, ...wordFields(planAccumulators(config.aggregates))] }
}

/** One column a word. */
export function wordFields(plan: AccumulatorPlan): Field[] {
  return plan.words.map((word, index): Field => {
    const input = word.input < 0 ? 'rows' : `${word.kind}_${word.input}`
    return { name: `$${index}_${input}`, type: TYPE_OF_STORAGE[word.storage] }
  })
}

/**
 * Whether the aggregates of this configuration can be computed in two phases; else plan
 * `twoPhase: false`.
 */
export function supportsTwoPhase(config: WindowAggregateConfig): boolean {
  return config.rowtime !== null && isMergeable(planAccumulators(config.aggregates))
}

/** Whether rows of an unbounded aggregate can be pre-aggregated before the exchange. */
export function supportsLocalGroups(config: GroupAggregateConfig): boolean {
  return !config.inputIsChangelog && isMergeable(planAccumulators(config.aggregates))
}
