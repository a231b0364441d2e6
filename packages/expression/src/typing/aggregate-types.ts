/** The result types of aggregate functions, as the reference has them. */
import { formatType, type LogicalType } from '@millrace/core'
import { expressionError } from '../error-codes.ts'
import { isNumeric } from '../functions/function-spec.ts'
import type { InferredCall } from './infer-call.ts'

export const AGGREGATE_FUNCTIONS = ['COUNT', 'SUM', 'AVG', 'MIN', 'MAX'] as const
export type AggregateName = (typeof AGGREGATE_FUNCTIONS)[number]

/** The type of an aggregate over `argument` (null for COUNT(*)); all but COUNT are nullable. */
export function inferAggregate(name: string, argument: LogicalType | null): InferredCall {
  const type = aggregateType(name.toUpperCase(), argument)
  if (typeof type !== 'string') return { ok: true, type }
  const given = argument === null ? '*' : formatType({ ...argument, nullable: true })
  return {
    ok: false,
    error: expressionError('FUNCTION_ARGUMENTS', `Give ${name} ${type}; it has (${given}).`),
  }
}

function aggregateType(name: string, argument: LogicalType | null): LogicalType | string {
  if (name === 'COUNT') return { kind: 'BIGINT', nullable: false }
  if (argument === null) return 'one argument'
  switch (name) {
    case 'SUM':
    case 'AVG':
      if (!isNumeric(argument)) return 'a number'
      if (argument.kind !== 'DECIMAL') return { kind: argument.kind, nullable: true } as LogicalType
      return {
        kind: 'DECIMAL',
        precision: 18,
        scale: name === 'AVG' ? Math.max(argument.scale, 6) : argument.scale,
        nullable: true,
      }
    case 'MIN':
    case 'MAX': {
      const { kind } = argument
      if (kind === 'TIMESTAMP' || kind === 'TIMESTAMP_LTZ') {
        return { kind, precision: argument.precision, nullable: true }
      }
      return { ...argument, nullable: true }
    }
    default:
      return `the name of a known aggregate (${AGGREGATE_FUNCTIONS.join(', ')})`
  }
}
