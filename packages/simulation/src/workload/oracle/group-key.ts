/**
 * Which values are one value to GROUP BY and DISTINCT. They compare what is stored, not what `=`
 * says: -0 is not 0, and what a group shows for its key does not depend on which row came first.
 */
import type { SqlValue } from '../model/sql-type.ts'

/** A text that is the same for equal values alone; NULLs form a group too, and so does -0. */
export function groupKey(values: readonly SqlValue[]): string {
  return JSON.stringify(
    values.map((value) => {
      if (typeof value === 'bigint') return { long: String(value) }
      return Object.is(value, -0) ? { double: '-0' } : value
    }),
  )
}
