/**
 * Types of result columns as clients of the reference engine read them: the name of its type root
 * with length, precision and scale in fields of their own (they look `type` up in a closed list, so
 * `INT` or `STRING` would be unknown to them).
 */
import type { LogicalType, Schema } from '@millrace/core'
import type { ResultColumn, ResultType } from '@millrace/rest-api'

/** The length of STRING and BYTES. */
const LENGTH_MAX = 2_147_483_647
/** Digits of days or years in an INTERVAL's type; values may have more. */
const INTERVAL_DIGITS = 2

export function resultColumns(schema: Schema): ResultColumn[] {
  return schema.fields.map(({ name, type }) => ({
    name,
    logicalType: resultType(type),
    comment: null,
  }))
}

export function resultType(type: LogicalType): ResultType {
  const { nullable } = type
  switch (type.kind) {
    case 'BOOLEAN':
    case 'TINYINT':
    case 'SMALLINT':
    case 'FLOAT':
    case 'BIGINT':
    case 'DOUBLE':
    case 'DATE':
      return { type: type.kind, nullable }
    case 'INT':
      return { type: 'INTEGER', nullable }
    case 'DECIMAL':
      return { type: 'DECIMAL', nullable, precision: type.precision, scale: type.scale }
    case 'STRING':
      return {
        type: type.fixed === true ? 'CHAR' : 'VARCHAR',
        nullable,
        length: type.length ?? LENGTH_MAX,
      }
    case 'TIMESTAMP':
      return { type: 'TIMESTAMP_WITHOUT_TIME_ZONE', nullable, precision: type.precision }
    case 'TIMESTAMP_LTZ':
      return { type: 'TIMESTAMP_WITH_LOCAL_TIME_ZONE', nullable, precision: type.precision }
    case 'INTERVAL_DAY_TIME':
      return {
        type: 'INTERVAL_DAY_TIME',
        nullable,
        precision: INTERVAL_DIGITS,
        fractionalPrecision: 3,
        resolution: 'SECOND',
      }
    case 'INTERVAL_YEAR_MONTH':
      return {
        type: 'INTERVAL_YEAR_MONTH',
        nullable,
        precision: INTERVAL_DIGITS,
        resolution: 'MONTH',
      }
  }
}
