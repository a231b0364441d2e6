/**
 * The SQL data types and how each is held in a column.
 *
 * Stands at the root of the data path: every schema, expression, batch and wire frame is described
 * by these plain-data types (they are JSON, so they travel inside a JobGraph unchanged). Invariant:
 * a logical type decides its physical column (`physicalTypeOf`) alone, so that two subtasks always
 * agree on a batch's layout.
 */

/** BOOLEAN, 1 byte a row. */
export interface BooleanType {
  readonly kind: 'BOOLEAN'
  readonly nullable: boolean
}
/** TINYINT: 8-bit signed, in a column of 32-bit integers; arithmetic wraps at 8 bits. */
export interface TinyIntType {
  readonly kind: 'TINYINT'
  readonly nullable: boolean
}
/** SMALLINT: 16-bit signed, in a column of 32-bit integers; arithmetic wraps at 16 bits. */
export interface SmallIntType {
  readonly kind: 'SMALLINT'
  readonly nullable: boolean
}
/** INT: 32-bit signed. */
export interface IntType {
  readonly kind: 'INT'
  readonly nullable: boolean
}
/** BIGINT: 64-bit signed. */
export interface BigIntType {
  readonly kind: 'BIGINT'
  readonly nullable: boolean
}
/** FLOAT: IEEE 754 single, in a column of doubles; every value is one that a single holds. */
export interface FloatType {
  readonly kind: 'FLOAT'
  readonly nullable: boolean
}
/** DOUBLE: IEEE 754 double. */
export interface DoubleType {
  readonly kind: 'DOUBLE'
  readonly nullable: boolean
}
/** DECIMAL(precision, scale): a 64-bit integer scaled by 10^scale; precision 1–18. */
export interface DecimalType {
  readonly kind: 'DECIMAL'
  readonly precision: number
  readonly scale: number
  readonly nullable: boolean
}
/**
 * STRING, and with a length VARCHAR(n) or CHAR(n): UTF-8 bytes. Casts cut and pad; columns hold
 * what they are given.
 */
export interface StringType {
  readonly kind: 'STRING'
  readonly nullable: boolean
  /** Characters (code points); absent: any number. */
  readonly length?: number
  /** CHAR(n). */
  readonly fixed?: true
}
/**
 * TIMESTAMP(p), wall-clock without zone: epoch milliseconds as if UTC, fraction kept to
 * p digits (0–6).
 */
export interface TimestampType {
  readonly kind: 'TIMESTAMP'
  readonly precision: number
  readonly nullable: boolean
  /** `rowtime` when a watermark is declared on the column, `proctime` for PROCTIME(). */
  readonly attribute?: 'rowtime' | 'proctime'
}
/** TIMESTAMP_LTZ(p): an instant, epoch milliseconds UTC; shown in `table.local-time-zone`. */
export interface TimestampLtzType {
  readonly kind: 'TIMESTAMP_LTZ'
  readonly precision: number
  readonly nullable: boolean
  readonly attribute?: 'rowtime' | 'proctime'
}
/** DATE: days since 1970-01-01. */
export interface DateType {
  readonly kind: 'DATE'
  readonly nullable: boolean
}
/** INTERVAL DAY TO SECOND: milliseconds. */
export interface IntervalDayTimeType {
  readonly kind: 'INTERVAL_DAY_TIME'
  readonly nullable: boolean
}
/** INTERVAL YEAR TO MONTH: months. */
export interface IntervalYearMonthType {
  readonly kind: 'INTERVAL_YEAR_MONTH'
  readonly nullable: boolean
}

export type LogicalType =
  | BooleanType
  | TinyIntType
  | SmallIntType
  | IntType
  | BigIntType
  | FloatType
  | DoubleType
  | DecimalType
  | StringType
  | TimestampType
  | TimestampLtzType
  | DateType
  | IntervalDayTimeType
  | IntervalYearMonthType

/**
 * How a column is stored: `bool` Uint8Array, `i32` Int32Array, `f64` Float64Array, `i64`
 * BigInt64Array, `str` StringColumn.
 */
export type PhysicalType = 'bool' | 'i32' | 'f64' | 'i64' | 'str'

/** The column layout of a logical type. */
export function physicalTypeOf(type: LogicalType): PhysicalType {
  switch (type.kind) {
    case 'BOOLEAN':
      return 'bool'
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'DATE':
    case 'INTERVAL_YEAR_MONTH':
      return 'i32'
    case 'FLOAT':
    case 'DOUBLE':
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
    case 'INTERVAL_DAY_TIME':
      return 'f64'
    case 'BIGINT':
    case 'DECIMAL':
      return 'i64'
    case 'STRING':
      return 'str'
  }
}

/** A named column of a schema. */
export interface Field {
  readonly name: string
  readonly type: LogicalType
  /**
   * Of a column of state: the type of the values that it sums up, where that is another. Whether
   * stored state can be taken over after a change goes by it.
   */
  readonly holds?: LogicalType
}

/** Column names and types in order; names are unique and case-sensitive. */
export interface Schema {
  readonly fields: readonly Field[]
}

/** The type as SQL writes it, e.g. `DECIMAL(10, 2) NOT NULL`, `TIMESTAMP(3) *ROWTIME*`. */
export function formatType(type: LogicalType): string {
  let text: string
  switch (type.kind) {
    case 'STRING':
      text = stringTypeText(type)
      break
    case 'DECIMAL':
      text = `DECIMAL(${type.precision}, ${type.scale})`
      break
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      text = `${type.kind}(${type.precision})`
      if (type.attribute !== undefined) text += ` *${type.attribute.toUpperCase()}*`
      break
    case 'INTERVAL_DAY_TIME':
      text = 'INTERVAL DAY TO SECOND'
      break
    case 'INTERVAL_YEAR_MONTH':
      text = 'INTERVAL YEAR TO MONTH'
      break
    default:
      text = type.kind
  }
  return type.nullable ? text : `${text} NOT NULL`
}

function stringTypeText({ length, fixed }: StringType): string {
  return length === undefined ? 'STRING' : `${fixed ? 'CHAR' : 'VARCHAR'}(${length})`
}
