/**
 * The state tables of aggregates, as data: made by the operators, known to factories,
 * tools and checkers.
 */
import type { StateTableSpec } from '@millrace/core'
import type { GroupAggregateConfig, WindowAggregateConfig } from '../../operator-config.ts'
import { type AccumulatorPlan, isCounted, planAccumulators } from './accumulator-plan.ts'
import { formerNames, SLICE_END, uniqueNames, wordFields } from './accumulator-schema.ts'
import { valueCountsSpec } from './value-counts.ts'

/** Union state of a window aggregate: the watermark of each subtask. */
export const WATERMARK = 'watermark'

/** (keys) → words, or (keys; end of slice or window) → words. */
export function groupsSpec(
  config: WindowAggregateConfig | GroupAggregateConfig,
  plan: AccumulatorPlan,
): StateTableSpec {
  const former = formerNames(plan)
  return {
    name: 'groups',
    key: { fields: config.outputSchema.fields.slice(0, config.keys.length) },
    sub:
      'window' in config
        ? { columns: { fields: [SLICE_END] }, ordered: false, due: dueOf(config) }
        : null,
    value: { fields: wordFields(plan) },
    ...(Object.keys(former).length === 0 ? {} : { formerNames: former }),
    ttlMs: 'window' in config ? 0 : config.stateTtlMs,
  }
}

/** A slice stays until the last window that holds it has fired. */
function dueOf({ window }: WindowAggregateConfig): { readonly keptMs: number } {
  return { keptMs: window.sizeMs }
}

export interface AggregateTables {
  readonly groups: StateTableSpec
  /** By input of the plan; null: its values are not counted. */
  readonly values: readonly (StateTableSpec | null)[]
}

/** What the operator of this configuration makes its tables of. */
export function aggregateTables(
  config: WindowAggregateConfig | GroupAggregateConfig,
  plan: AccumulatorPlan,
): AggregateTables {
  const groups = groupsSpec(config, plan)
  const isWindow = 'window' in config
  const signed = !isWindow && config.inputIsChangelog
  const end = isWindow ? { field: SLICE_END, due: dueOf(config) } : null
  const { fields } = groups.key
  const values = plan.inputs.map((_, input) =>
    isCounted(plan, input, signed) ? valueCountsSpec(plan, input, fields, end, groups.ttlMs) : null,
  )
  const names = uniqueNames(values.map((spec) => spec?.name ?? ''))
  return { groups, values: values.map((spec, i) => spec && { ...spec, name: names[i] as string }) }
}

/** Every table that the operator of this configuration keeps. */
export function aggregateStates(
  config: WindowAggregateConfig | GroupAggregateConfig,
): StateTableSpec[] {
  const { groups, values } = aggregateTables(config, planAccumulators(config.aggregates))
  return [groups, ...values.filter((spec) => spec !== null)]
}
