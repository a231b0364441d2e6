/** Whether stored rows can be read as the rows that an operator expects now. */
import { type Field, formatType, type LogicalType, type Schema } from '@millrace/core'

/**
 * The first difference in words, naming the column; null when there is none. A column that was NOT
 * NULL may be nullable now; time attributes do not matter.
 */
export function schemaMismatch(stored: Schema, expected: Schema): string | null {
  const columns = Math.max(stored.fields.length, expected.fields.length)
  for (let c = 0; c < columns; c++) {
    const before = stored.fields[c]
    const now = expected.fields[c]
    if (before === undefined) return `column ${describe(now)} is not in the checkpoint`
    if (now === undefined) return `column ${describe(before)} of the checkpoint is not expected`
    if (before.name !== now.name || !sameType(before.type, now.type)) {
      return `column ${c + 1} is ${describe(before)} in the checkpoint and ${describe(now)} now`
    }
  }
  return null
}

function describe(field: Field): string {
  return `'${field.name}' ${formatType(field.type)}`
}

function sameType(before: LogicalType, now: LogicalType): boolean {
  return bare(before) === bare(now) && (now.nullable || !before.nullable)
}

function bare(type: LogicalType): string {
  const { attribute: _, ...rest } = type as LogicalType & { attribute?: string }
  return formatType({ ...rest, nullable: true } as LogicalType)
}
