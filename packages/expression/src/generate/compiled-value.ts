/**
 * What a compiled expression leaves behind: texts that later statements of the same row may use.
 */
import { type LogicalType, physicalTypeOf } from '@millrace/core'

export interface CompiledValue {
  /**
   * A side-effect-free JavaScript expression; unspecified but of the right kind when NULL. BOOLEANs
   * are JavaScript booleans.
   */
  readonly value: string
  /** A boolean JavaScript expression, or null when the value is never NULL. */
  readonly isNull: string | null
  readonly type: LogicalType
  /**
   * Name of a variable holding the memo slot of a dictionary column's row, −1 when the column is
   * no dictionary.
   */
  readonly memoSlot?: string
}

/** The text of a value of the type that stands under a NULL. */
export function defaultText(type: LogicalType): string {
  switch (physicalTypeOf(type)) {
    case 'bool':
      return 'false'
    case 'i64':
      return '0n'
    case 'str':
      return "''"
    default:
      return '0'
  }
}

/** Any of the conditions; null when none can hold. */
export function anyNull(values: readonly CompiledValue[]): string | null {
  const conditions = [...new Set(values.flatMap(({ isNull }) => (isNull === null ? [] : [isNull])))]
  if (conditions.length === 0) return null
  return conditions.length === 1 ? (conditions[0] as string) : `(${conditions.join(' || ')})`
}
