/** Small things done to typed expressions by validation, the optimizer and the planner alike. */
import { type Expression, remapColumns } from '@millrace/expression'

/** `expression` with every column replaced by `columns[index]`. */
export function inlineColumns(expression: Expression, columns: readonly Expression[]): Expression {
  return remapColumns(expression, (index) => columns[index] as Expression)
}

/** The tree with `replace` asked at every node from the top; null means "keep, and look inside". */
export function rewriteExpression(
  expression: Expression,
  replace: (node: Expression) => Expression | null,
): Expression {
  const replaced = replace(expression)
  if (replaced !== null) return replaced
  const inner = (node: Expression) => rewriteExpression(node, replace)
  switch (expression.kind) {
    case 'literal':
    case 'column':
      return expression
    case 'call':
      return { ...expression, args: expression.args.map(inner) }
    case 'cast':
      return { ...expression, operand: inner(expression.operand) }
    case 'case':
      return {
        ...expression,
        branches: expression.branches.map((branch) => ({
          when: inner(branch.when),
          // biome-ignore lint/suspicious/noThenProperty: the field of a CASE branch
          then: inner(branch.then),
        })),
        otherwise: inner(expression.otherwise),
      }
  }
}

/** The parts of a condition joined by AND. */
export function conjuncts(condition: Expression): Expression[] {
  if (condition.kind === 'call' && condition.function === 'and') {
    return condition.args.flatMap(conjuncts)
  }
  return [condition]
}

/** All of the conditions; null for none. */
export function conjunction(conditions: readonly Expression[]): Expression | null {
  const [first] = conditions
  if (first === undefined) return null
  if (conditions.length === 1) return first
  const nullable = conditions.some((condition) => condition.type.nullable)
  return {
    kind: 'call',
    function: 'and',
    args: conditions,
    type: { kind: 'BOOLEAN', nullable },
  }
}

/** Whether `expressions` are columns 0, 1, 2 … of an input with `width` columns. */
export function isIdentity(expressions: readonly Expression[], width: number): boolean {
  return (
    expressions.length === width &&
    expressions.every((expression, i) => expression.kind === 'column' && expression.index === i)
  )
}
