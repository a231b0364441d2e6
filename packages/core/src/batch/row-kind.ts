/**
 * Row kinds of a changelog, as bytes in `ColumnBatch.rowKinds`. A batch without that array
 * is insert-only.
 */
export const RowKind = {
  INSERT: 0,
  UPDATE_BEFORE: 1,
  UPDATE_AFTER: 2,
  DELETE: 3,
} as const
export type RowKind = (typeof RowKind)[keyof typeof RowKind]

/** `+I`, `-U`, `+U`, `-D`, indexed by row kind. */
export const ROW_KIND_SYMBOLS = ['+I', '-U', '+U', '-D'] as const
