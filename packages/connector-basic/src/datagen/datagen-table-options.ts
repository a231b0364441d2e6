/** Options of a `'connector' = 'datagen'` table; those of fields are `fields.<column>.<option>`. */
import { option } from '@millrace/core'

export const ROWS_PER_SECOND = option.long({
  key: 'rows-per-second',
  defaultValue: 10_000,
  description: 'Rows a second of all subtasks together.',
})
export const NUMBER_OF_ROWS = option.long({
  key: 'number-of-rows',
  defaultValue: undefined as number | undefined,
  description:
    'Rows in total; the source is bounded then. Not set: unbounded, unless a field is a sequence.',
})

export const DATAGEN_TABLE_OPTIONS = [ROWS_PER_SECOND, NUMBER_OF_ROWS] as const

const optional = undefined as string | undefined
const fieldOption = (key: string, description: string) =>
  option.string({ key, defaultValue: optional, description })

/** What may follow `fields.<column>.`. */
export const DATAGEN_FIELD_OPTIONS = [
  fieldOption('kind', '`random` (default) or `sequence`.'),
  fieldOption('min', 'Smallest random value; the default is that of the type.'),
  fieldOption('max', 'Largest random value; the default is that of the type.'),
  fieldOption('max-past', 'How far a random time may lie before that of the row; 0 by default.'),
  fieldOption('length', 'Characters of a random string; 100 by default.'),
  fieldOption('var-len', 'Whether the length is random too, up to `length`.'),
  fieldOption('start', 'First value of a sequence.'),
  fieldOption('end', 'Last value of a sequence.'),
  fieldOption('null-rate', 'Share of NULLs, 0 to 1.'),
] as const
