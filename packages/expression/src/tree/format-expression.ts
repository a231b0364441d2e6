/**
 * An expression as EXPLAIN shows it: SQL with column names, fully parenthesised where
 * operators nest.
 */
import { formatDate, formatDecimal, formatTimestamp, formatType } from '@millrace/core'
import type { Expression, LiteralExpression } from '../expression.ts'
import { functionOf } from '../functions/function-table.ts'

const POSTFIX: Readonly<Record<string, string>> = {
  is_null: 'IS NULL',
  is_not_null: 'IS NOT NULL',
  is_true: 'IS TRUE',
  is_not_true: 'IS NOT TRUE',
  is_false: 'IS FALSE',
  is_not_false: 'IS NOT FALSE',
  is_unknown: 'IS UNKNOWN',
  is_not_unknown: 'IS NOT UNKNOWN',
}

/** `fieldNames[i]` names column i; columns beyond show as `$i`. */
export function formatExpression(expression: Expression, fieldNames: readonly string[]): string {
  return format(expression, fieldNames, false)
}

function format(expression: Expression, names: readonly string[], nested: boolean): string {
  const inner = (child: Expression) => format(child, names, true)
  const group = (text: string) => (nested ? `(${text})` : text)
  switch (expression.kind) {
    case 'literal':
      return formatLiteral(expression)
    case 'column':
      return names[expression.index] ?? `$${expression.index}`
    case 'cast': {
      const type = formatType({ ...expression.type, nullable: true })
      const name = expression.safe ? 'TRY_CAST' : 'CAST'
      return `${name}(${format(expression.operand, names, false)} AS ${type})`
    }
    case 'case': {
      const branches = expression.branches.map(
        ({ when, then }) => `WHEN ${inner(when)} THEN ${inner(then)}`,
      )
      return `CASE ${branches.join(' ')} ELSE ${inner(expression.otherwise)} END`
    }
    case 'call': {
      const { function: name, args } = expression
      const postfix = POSTFIX[name]
      if (postfix !== undefined) return group(`${inner(args[0]!)} ${postfix}`)
      if (name === 'not') return group(`NOT ${inner(args[0]!)}`)
      if (name === 'negate') return `-${inner(args[0]!)}`
      if (name === 'in') {
        return group(`${inner(args[0]!)} IN (${args.slice(1).map(inner).join(', ')})`)
      }
      const { infix } = functionOf(name)
      if (infix !== undefined && args.length >= 2) return group(args.map(inner).join(` ${infix} `))
      return `${name.toUpperCase()}(${args.map((arg) => format(arg, names, false)).join(', ')})`
    }
  }
}

function formatLiteral({ value, type }: LiteralExpression): string {
  if (value === null) return 'NULL'
  switch (type.kind) {
    case 'STRING':
      return `'${String(value).replaceAll("'", "''")}'`
    case 'DECIMAL':
      return formatDecimal(BigInt(value), type.scale)
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return `TIMESTAMP '${formatTimestamp(Number(value), type.precision)}'`
    case 'DATE':
      return `DATE '${formatDate(Number(value))}'`
    case 'BOOLEAN':
      return value ? 'TRUE' : 'FALSE'
    case 'INTERVAL_DAY_TIME':
      return `INTERVAL '${Number(value) / 1000}' SECOND`
    case 'INTERVAL_YEAR_MONTH':
      return `INTERVAL '${value}' MONTH`
    default:
      return String(value)
  }
}
