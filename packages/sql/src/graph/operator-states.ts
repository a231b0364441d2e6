/** The tables of keyed state of an operator, which go into its descriptor. */
import type { StateTableSpec } from '@millrace/core'
import {
  aggregateStates,
  type GroupAggregateConfig,
  SQL_OPERATORS,
  type WindowAggregateConfig,
} from '@millrace/sql-operators'

/** Of the operators that keep state by key: those of aggregates. */
export const AGGREGATES: readonly string[] = [
  SQL_OPERATORS.groupAggregate,
  SQL_OPERATORS.globalWindowAggregate,
]

export function statesOf(
  factory: string,
  config: unknown,
): { readonly states?: readonly StateTableSpec[] } {
  if (!AGGREGATES.includes(factory)) return {}
  return { states: aggregateStates(config as GroupAggregateConfig | WindowAggregateConfig) }
}
