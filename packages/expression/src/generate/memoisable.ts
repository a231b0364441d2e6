/** Which expressions are evaluated once per dictionary entry instead of once per row. */
import type { Expression } from '../expression.ts'
import { functionOf } from '../functions/function-table.ts'
import { columnsUsed, isDeterministic } from '../tree/walk-expression.ts'

/** Whether the value depends on one string column alone, and costs more than a lookup. */
export function isMemoisable(expression: Expression): boolean {
  if (expression.kind === 'column' || expression.kind === 'literal') return false
  if (expression.kind === 'call' && functionOf(expression.function).nulls === 'never') return false
  const used = columnsUsed(expression)
  return used.length === 1 && readsOnlyText(expression) && isDeterministic(expression, true)
}

function readsOnlyText(expression: Expression): boolean {
  switch (expression.kind) {
    case 'literal':
      return true
    case 'column':
      return expression.type.kind === 'STRING'
    case 'cast':
      return readsOnlyText(expression.operand)
    case 'call':
      return expression.args.every(readsOnlyText)
    case 'case':
      return (
        readsOnlyText(expression.otherwise) &&
        expression.branches.every(({ when, then }) => readsOnlyText(when) && readsOnlyText(then))
      )
  }
}
