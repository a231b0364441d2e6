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

const ALL_ROWS = 'COUNT(*)'
/** AVG of FLOATs adds in doubles, SUM in singles. */
const IN_DOUBLES = ' in doubles'

const COUNT: LogicalType = { kind: 'BIGINT', nullable: true }

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

/**
 * One column a word, named for what it holds: `COUNT(*)`, `SUM(price)`, `COUNT(DISTINCT user)`. A
 * call that does not say what it reads has columns named by their place.
 */
export function wordFields(plan: AccumulatorPlan): Field[] {
  const names = uniqueNames(plan.words.map((word, index) => wordName(plan, word, index)))
  return plan.words.map((word, index): Field => {
    const holds = word.kind === 'count' ? COUNT : plan.inputs[word.input]!.argument!.type
    return { name: names[index] as string, type: TYPE_OF_STORAGE[word.storage], holds }
  })
}

function wordName(plan: AccumulatorPlan, word: AccumulatorWord, index: number): string {
  const input = plan.inputs[word.input]
  if (input === undefined) return ALL_ROWS
  if (input.origin === null) return `$${index}_${word.kind}_${word.input}`
  const name = `${word.kind.toUpperCase()}(${input.origin})`
  const { argument } = input
  const isOfSingles = word.kind === 'sum' && argument?.type.kind === 'FLOAT'
  return `${name}${sinceMark(input.since)}${isOfSingles && word.single !== true ? IN_DOUBLES : ''}`
}

/**
 * Columns by the names that they had: AVG's sum of DOUBLEs when they were FLOATs, and the count of
 * an argument that could not be NULL, which was that of all rows.
 */
export function formerNames(plan: AccumulatorPlan): Readonly<Record<string, string>> {
  const former: Record<string, string> = {}
  wordFields(plan).forEach(({ name, holds }, w) => {
    const { kind, input } = plan.words[w] as AccumulatorWord
    if (input < 0 || plan.inputs[input]?.origin === null) return
    if (kind === 'sum' && holds?.kind === 'DOUBLE') former[name] = name + IN_DOUBLES
    if (kind === 'count' && plan.inputs[input]?.countedRows === true) former[name] = ALL_ROWS
  })
  return former
}

/** What stands behind names of state that began later than its group may have. */
export function sinceMark(since: number): string {
  return since === 0 ? '' : ` since ${since}`
}

/** Texts that agree by chance, over columns that UNION ALL brings together, are told apart. */
export function uniqueNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>()
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return count === 1 ? name : `${name} #${count}`
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
