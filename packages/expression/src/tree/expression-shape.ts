/** The shape of an expression, wherever it stands in an operator's configuration. */
import {
  flag,
  LOGICAL_TYPE,
  later,
  list,
  natural,
  record,
  type Shape,
  scalar,
  text,
  variants,
} from '@millrace/core'
import type { CaseExpression, Expression } from '../expression.ts'

const nested = later<Expression>(() => EXPRESSION)

export const EXPRESSION: Shape<Expression> = variants<Expression>({
  literal: { value: scalar, type: LOGICAL_TYPE },
  column: { index: natural, type: LOGICAL_TYPE },
  call: { function: text, args: list(nested), type: LOGICAL_TYPE },
  cast: { operand: nested, safe: flag, type: LOGICAL_TYPE },
  case: {
    // biome-ignore lint/suspicious/noThenProperty: the field of a CASE's branch, no function.
    branches: list(record<CaseExpression['branches'][number]>({ when: nested, then: nested })),
    otherwise: nested,
    type: LOGICAL_TYPE,
  },
})
