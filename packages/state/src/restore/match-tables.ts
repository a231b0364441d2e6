/**
 * Whether stored rows can become rows of a table that has changed, and how: by the names of the
 * value's columns. Pure.
 *
 * The key is what the rows lie by, and sub columns are what tells entries apart: they go column by
 * column (what they are made of is the operator's identity). A value's column that is not stored
 * begins as in a new entry; one that is not wanted any more is dropped; a wider type converts, and
 * where a key is held otherwise then, its rows lie elsewhere. What may not be NULL any more must
 * not be NULL in any row, which shows when they are read. All else is refused.
 */
import { type Field, formatType, LAST_WRITE, physicalTypeOf, type Schema } from '@millrace/core'
import type { TableLayout } from '../table/table-layout.ts'
import { bareType, isWidened, valueType } from './convert-column.ts'

export interface TableMatch {
  /** For each column now the one that is stored; -1: none. */
  readonly sources: readonly number[]
  readonly added: readonly Field[]
  readonly removed: readonly Field[]
  readonly widened: readonly { readonly before: Field; readonly now: Field }[]
  /** Columns now in which a stored NULL has no place. */
  readonly neverNull: readonly number[]
  /** Keys have other hashes now: a row lies in another key group. */
  readonly isRekeyed: boolean
}

/** A text: why not, in words that name the column. `stored`: with or without its value. */
export function matchTables(stored: Schema, now: TableLayout): TableMatch | string {
  const { keyCount, keyedCount } = now
  const sources: number[] = []
  const widened: TableMatch['widened'][number][] = []
  const added: Field[] = []
  const neverNull: number[] = []
  let isRekeyed = false
  for (const [c, field] of now.schema.fields.entries()) {
    const at = c < keyedCount ? c : columnNamed(stored, field.name, now)
    const before = stored.fields[at]
    if (c < keyedCount && before === undefined) return `column ${describe(field)} is not stored`
    sources.push(before === undefined ? -1 : at)
    if (before === undefined) {
      if (field.name !== LAST_WRITE.name) added.push(field)
      continue
    }
    const fit = fits(before, field, c < keyedCount)
    if (fit === 'no') {
      const what = c < keyCount ? `key column ${c + 1}` : `'${field.name}'`
      return `${what} is ${describe(before)} in it and ${describe(field)} now`
    }
    if (fit === 'widened') widened.push({ before, now: field })
    if (before.type.nullable && !field.type.nullable) neverNull.push(c)
    if (c < keyCount && physicalTypeOf(before.type) !== physicalTypeOf(field.type)) isRekeyed = true
  }
  const used = new Set(sources)
  const removed = stored.fields.filter(
    ({ name }, at) => at >= keyedCount && !used.has(at) && name !== LAST_WRITE.name,
  )
  return { sources, added, removed, widened, neverNull, isRekeyed }
}

function columnNamed(
  stored: Schema,
  name: string,
  { keyedCount, formerNames }: TableLayout,
): number {
  const former = formerNames?.[name]
  for (const wanted of former === undefined ? [name] : [name, former]) {
    const at = stored.fields.findIndex((field, i) => i >= keyedCount && field.name === wanted)
    if (at >= 0) return at
  }
  return -1
}

/**
 * What tells entries apart must become just what the input says of the same row from now on: that a
 * FLOAT of 0.1 does not as a DOUBLE.
 */
function fits(before: Field, now: Field, isKeyed: boolean): 'same' | 'widened' | 'no' {
  const [from, to] = [valueType(before), valueType(now)]
  if (bareType(from) === bareType(to)) {
    return bareType(before.type) === bareType(now.type) ? 'same' : 'no'
  }
  if (!isWidened(from, to)) return 'no'
  return isKeyed && from.kind === 'FLOAT' ? 'no' : 'widened'
}

export function describe(field: Field): string {
  return `'${field.name}' ${formatType(valueType(field))}`
}

/** The two side by side, a line a column; `>` marks lines that differ. */
export function sideBySide(stored: Schema | null, now: Schema | null): string[] {
  const texts = (schema: Schema | null) =>
    (schema?.fields ?? [])
      .filter(({ name }) => name !== LAST_WRITE.name)
      .map((field) => `${field.name} ${formatType(valueType(field))}`)
  const [left, right] = [texts(stored), texts(now)]
  const rows = Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    return [left[i] ?? '', right[i] ?? ''] as const
  })
  const width = Math.max('stored'.length, ...left.map((text) => text.length))
  const line = (mark: string, a: string, b: string) => `${mark} ${a.padEnd(width)} | ${b}`.trimEnd()
  return [line(' ', 'stored', 'now'), ...rows.map(([a, b]) => line(a === b ? ' ' : '>', a, b))]
}
