/** The shapes of types and schemas, wherever they stand in stored or sent data. */
import type { Field, LogicalType, Schema } from '../types/logical-type.ts'
import {
  constant,
  flag,
  list,
  natural,
  oneOf,
  optional,
  record,
  type Shape,
  text,
  variants,
} from './shape.ts'

const nullableOnly = { nullable: flag }
const time = {
  nullable: flag,
  precision: natural,
  attribute: optional(oneOf<'rowtime' | 'proctime'>({ rowtime: true, proctime: true })),
}

export const LOGICAL_TYPE: Shape<LogicalType> = variants<LogicalType>({
  BOOLEAN: nullableOnly,
  TINYINT: nullableOnly,
  SMALLINT: nullableOnly,
  INT: nullableOnly,
  BIGINT: nullableOnly,
  FLOAT: nullableOnly,
  DOUBLE: nullableOnly,
  DECIMAL: { nullable: flag, precision: natural, scale: natural },
  STRING: { nullable: flag, length: optional(natural), fixed: optional(constant(true)) },
  TIMESTAMP: time,
  TIMESTAMP_LTZ: time,
  DATE: nullableOnly,
  INTERVAL_DAY_TIME: nullableOnly,
  INTERVAL_YEAR_MONTH: nullableOnly,
})

export const SCHEMA: Shape<Schema> = record<Schema>({
  fields: list(record<Field>({ name: text, type: LOGICAL_TYPE, holds: optional(LOGICAL_TYPE) })),
})
