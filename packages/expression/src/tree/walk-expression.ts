/** Questions about expression trees, and trees made from trees. Nothing here changes a tree. */

import { isZonedCast } from '../cast/cast-value.ts'
import type { Expression } from '../expression.ts'
import { functionOf } from '../functions/function-table.ts'

export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'call':
      return expression.args
    case 'cast':
      return [expression.operand]
    case 'case':
      return [
        ...expression.branches.flatMap(({ when, then }) => [when, then]),
        expression.otherwise,
      ]
    default:
      return []
  }
}

/** The same tree with `change` applied to every node, children first. */
export function mapExpression(
  expression: Expression,
  change: (node: Expression) => Expression,
): Expression {
  const inner = (child: Expression) => mapExpression(child, change)
  switch (expression.kind) {
    case 'call':
      return change({ ...expression, args: expression.args.map(inner) })
    case 'cast':
      return change({ ...expression, operand: inner(expression.operand) })
    case 'case':
      return change({
        ...expression,
        branches: expression.branches.map(({ when, then }) => ({
          when: inner(when),
          // biome-ignore lint/suspicious/noThenProperty: the field of a CASE branch
          then: inner(then),
        })),
        otherwise: inner(expression.otherwise),
      })
    default:
      return change(expression)
  }
}

/** Indexes of the columns that an expression reads, ascending. */
export function columnsUsed(expression: Expression | readonly Expression[]): number[] {
  const found = new Set<number>()
  const visit = (node: Expression) => {
    if (node.kind === 'column') found.add(node.index)
    for (const child of childrenOf(node)) visit(child)
  }
  for (const root of Array.isArray(expression) ? expression : [expression as Expression]) {
    visit(root as Expression)
  }
  return [...found].sort((a, b) => a - b)
}

/**
 * The tree with column `i` replaced by column `map(i)` or, when that gives an expression, by it.
 */
export function remapColumns(
  expression: Expression,
  map: ((index: number) => number | Expression) | readonly number[],
): Expression {
  const target = typeof map === 'function' ? map : (index: number) => map[index] as number
  return mapExpression(expression, (node) => {
    if (node.kind !== 'column') return node
    const replaced = target(node.index)
    return typeof replaced === 'number' ? { ...node, index: replaced } : replaced
  })
}

/**
 * Whether the value depends on nothing but the columns: neither on the clock nor (if `zoneMatters`)
 * on the local time zone.
 */
export function isDeterministic(expression: Expression, zoneMatters = false): boolean {
  if (expression.kind === 'call') {
    const spec = functionOf(expression.function)
    if (spec.deterministic === false) return false
    const readsZone = expression.args.some(({ type }) => type.kind === 'TIMESTAMP_LTZ')
    if (zoneMatters && spec.zoned === true && (readsZone || spec.name === 'from_unixtime')) {
      return false
    }
  }
  if (zoneMatters && expression.kind === 'cast') {
    if (isZonedCast(expression.operand.type, expression.type)) return false
  }
  return childrenOf(expression).every((child) => isDeterministic(child, zoneMatters))
}

/** Structural equality. */
export function sameExpression(a: Expression, b: Expression): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
