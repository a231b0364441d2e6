/** `ValueCounts` ↔ keyed state: one table an input, rows of (key columns, group, value, count). */
import {
  type Column,
  ColumnBatchBuilder,
  type Float64Column,
  hashFloat64,
  type KeyedTableSnapshot,
  type LogicalType,
  type RestoredOperatorState,
  type Schema,
  type Value,
  valueAt,
} from '@millrace/core'
import type { Aggregation } from './aggregation.ts'

const DOUBLE: LogicalType = { kind: 'DOUBLE', nullable: false }

function schemaOf(aggregation: Aggregation, input: number): Schema {
  const argument = aggregation.plan.inputs[input]!.argument!
  return {
    fields: [
      ...aggregation.keyFields,
      { name: '$group', type: DOUBLE },
      { name: '$value', type: argument.type },
      { name: '$count', type: DOUBLE },
    ],
  }
}

const nameOf = (input: number): string => `values-${input}`

/** One table for each input whose values are counted. */
export function snapshotValueCounts(
  aggregation: Aggregation,
  maxParallelism: number,
): KeyedTableSnapshot[] {
  const { counts, table, keys } = aggregation
  if (counts === null) return []
  const slots = table.liveSlots()
  const tables: KeyedTableSnapshot[] = []
  for (let input = 0; input < aggregation.plan.inputs.length; input++) {
    if (!aggregation.countsValues(input)) continue
    const schema = schemaOf(aggregation, input)
    const builder = new ColumnBatchBuilder(schema, 256)
    const groups: number[] = []
    for (const slot of slots) {
      const key = keys.columns.map((column) => valueAt(column, table.keyOf[slot]!))
      const keyGroup = aggregation.keyGroupOfSlot(slot, maxParallelism)
      for (const [value, count] of counts.of(input, slot)) {
        builder.appendRow([...key, table.groupOf[slot]!, value, count])
        groups.push(keyGroup)
      }
    }
    const rows = builder.build()
    tables.push({ name: nameOf(input), schema, rows, keyGroups: Uint16Array.from(groups) })
  }
  return tables
}

/** After the groups themselves were restored. */
export async function restoreValueCounts(
  aggregation: Aggregation,
  restored: RestoredOperatorState,
): Promise<void> {
  const { counts, table } = aggregation
  if (counts === null) return
  for (let input = 0; input < aggregation.plan.inputs.length; input++) {
    if (!aggregation.countsValues(input)) continue
    const schema = schemaOf(aggregation, input)
    for await (const { rows } of restored.readKeyed(nameOf(input), schema)) {
      const keyCount = aggregation.keyFields.length
      aggregation.resolveKeys(rows.columns.slice(0, keyCount), rows.rowCount)
      const groups = (rows.columns[keyCount] as Float64Column).values
      for (let i = 0; i < rows.rowCount; i++) {
        const slot = table.slotFor(aggregation.keyIds[i]!, groups[i]!, hashFloat64(groups[i]!))
        const value: Value = valueAt(rows.columns[keyCount + 1] as Column, i)
        counts.add(input, slot, value, (rows.columns[keyCount + 2] as Float64Column).values[i]!)
      }
    }
  }
}
