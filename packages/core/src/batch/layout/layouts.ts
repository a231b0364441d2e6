/** The table of layouts: what the generic functions over columns look a column's kind up in. */
import type { PhysicalType } from '../../types/logical-type.ts'
import type { Column } from '../column.ts'
import { BOOL_LAYOUT } from './bool-layout.ts'
import type { ColumnLayout } from './column-layout.ts'
import { F64_LAYOUT } from './f64-layout.ts'
import { I32_LAYOUT } from './i32-layout.ts'
import { I64_LAYOUT } from './i64-layout.ts'
import { STR_LAYOUT } from './str-layout.ts'

export type ColumnOf<K extends Column['kind']> = Extract<Column, { readonly kind: K }>

export const LAYOUTS: { readonly [K in PhysicalType]: ColumnLayout<ColumnOf<K>> } = {
  bool: BOOL_LAYOUT,
  i32: I32_LAYOUT,
  f64: F64_LAYOUT,
  i64: I64_LAYOUT,
  str: STR_LAYOUT,
}

/**
 * The layout of columns of a physical type; whoever calls it gives it columns of that kind alone.
 */
export function layoutOf(type: PhysicalType): ColumnLayout<Column> {
  return LAYOUTS[type] as unknown as ColumnLayout<Column>
}

/** Names of kinds by their number on the wire, for messages. */
export const WIRE_KIND_NAMES: readonly string[] = Object.values(LAYOUTS).reduce<string[]>(
  (names, { kind, wireKind }) => {
    names[wireKind] = kind
    return names
  },
  [],
)
