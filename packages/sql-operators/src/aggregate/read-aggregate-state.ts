/**
 * The state of an aggregate in a checkpoint, as rows that say what it means: for tools and checkers outside of a job.
 *
 * It reads through the same schema and loops as the operators restore with, and gives each group's results instead of
 * its words.
 */
import {
  type Column,
  type Float64Column,
  hashFloat64,
  type RestoredOperatorState,
  type Value,
  valueAt,
} from '@millrace/core'
import type { GroupAggregateConfig, WindowAggregateConfig } from '../operator-config.ts'
import { planAccumulators } from './accumulator-plan.ts'
import { CHANGED, GROUPS, SLICE_END, WATERMARK } from './aggregate-state-names.ts'
import { Aggregation } from './aggregation.ts'
import { restoreValueCounts } from './value-count-state.ts'

export interface AggregateStateRow {
  readonly key: readonly Value[]
  /** End of the slice or the window; 0 for an unbounded group. */
  readonly groupEndMs: number
  readonly rowCount: number
  /** One a call. */
  readonly results: readonly Value[]
  /** One a call: how often each value of its argument is there; null when the operator does not count them. */
  readonly valueCounts: readonly (readonly (readonly [Value, number])[] | null)[]
}

/** Of the key groups that `restored` was opened for. */
export async function readAggregateState(
  config: WindowAggregateConfig | GroupAggregateConfig,
  restored: RestoredOperatorState,
): Promise<AggregateStateRow[]> {
  const isWindow = 'window' in config
  const keyCount = config.keys.length
  const keyFields = config.outputSchema.fields.slice(0, keyCount)
  const plan = planAccumulators(config.aggregates)
  const aggregation = new Aggregation(plan, keyFields, !isWindow && config.inputIsChangelog)
  const { table, counts } = aggregation
  const schema = aggregation.stateSchema([isWindow ? SLICE_END : CHANGED])
  for await (const { rows } of restored.readKeyed(GROUPS, schema)) {
    aggregation.resolveKeys(rows.columns.slice(0, keyCount), rows.rowCount)
    const ends = (rows.columns[keyCount] as Float64Column).values
    for (let i = 0; i < rows.rowCount; i++) {
      const end = isWindow ? ends[i]! : 0
      aggregation.slots[i] = table.slotFor(aggregation.keyIds[i]!, end, hashFloat64(end))
    }
    aggregation.merge(rows.rowCount, rows.columns.slice(keyCount + 1))
  }
  await restoreValueCounts(aggregation, restored)
  const slots = table.liveSlots()
  const keys = aggregation.keyColumns(table, slots, 0, slots.length)
  const results = aggregation.resultColumns(table, slots, 0, slots.length)
  const valuesAt = (columns: readonly Column[], row: number) =>
    columns.map((column) => valueAt(column, row))
  return Array.from(slots, (slot, row): AggregateStateRow => {
    return {
      key: valuesAt(keys, row),
      groupEndMs: table.groupOf[slot]!,
      rowCount: table.words[slot * table.stride]!,
      results: valuesAt(results, row),
      valueCounts: plan.results.map(({ input }) =>
        counts !== null && input >= 0 && aggregation.countsValues(input)
          ? [...counts.of(input, slot)]
          : null,
      ),
    }
  })
}

/** The watermarks that subtasks of a window aggregate had reached. */
export function readWindowWatermarks(restored: RestoredOperatorState): number[] {
  const decoder = new TextDecoder()
  return restored.readUnion(WATERMARK).map((bytes) => Number(decoder.decode(bytes)))
}
