/**
 * Constant folding through the interpreter.
 *
 * A sub-tree without columns becomes its value; AND, OR and CASE lose decided parts. What would
 * fail stays as it is (it may never be reached), and so does what reads the clock or the time zone.
 */
import { ColumnBatch } from '@millrace/core'
import { CONSTANT_CONTEXT } from '../evaluation-context.ts'
import type { CallExpression, CaseExpression, Expression } from '../expression.ts'
import { interpret, valueToLiteral } from '../interpreter/interpret.ts'
import { childrenOf, isDeterministic, mapExpression } from './walk-expression.ts'

const NO_ROWS = new ColumnBatch(0, [])

export function foldConstants(expression: Expression): Expression {
  return mapExpression(expression, foldNode)
}

function foldNode(node: Expression): Expression {
  if (node.kind === 'literal' || node.kind === 'column') return node
  const constant = childrenOf(node).every(({ kind }) => kind === 'literal')
  if (constant && isDeterministic(node, true)) {
    try {
      const value = interpret(node, NO_ROWS, 0, CONSTANT_CONTEXT)
      return { kind: 'literal', value: valueToLiteral(value), type: node.type }
    } catch {
      return node
    }
  }
  if (node.kind === 'call' && (node.function === 'and' || node.function === 'or')) {
    return foldLogic(node)
  }
  return node.kind === 'case' ? foldCase(node) : node
}

function foldLogic(node: CallExpression): Expression {
  const decisive = node.function === 'or'
  const args: Expression[] = []
  for (const arg of node.args) {
    if (arg.kind === 'literal' && arg.value === !decisive) continue
    args.push(arg)
    if (arg.kind === 'literal' && arg.value === decisive) break
  }
  const [first] = args
  if (first === undefined) return { kind: 'literal', value: !decisive, type: node.type }
  if (args.length === 1 || (first.kind === 'literal' && first.value === decisive)) return first
  return { ...node, args }
}

function foldCase(node: CaseExpression): Expression {
  const branches: CaseExpression['branches'][number][] = []
  for (const branch of node.branches) {
    if (branch.when.kind !== 'literal') {
      branches.push(branch)
    } else if (branch.when.value === true) {
      return branches.length === 0 ? branch.then : { ...node, branches, otherwise: branch.then }
    }
  }
  return branches.length === 0 ? node.otherwise : { ...node, branches }
}
