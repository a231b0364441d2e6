/**
 * Expression: the tree from which a job's SQL text and the oracle's values are both made.
 *
 * Plain data (operators by name), so that a workload can be shrunk. SQL semantics of NULL: an
 * operator with a NULL argument gives NULL unless it handles NULLs itself.
 */
import { operatorNamed } from '../operators/operator-table.ts'
import { literalText, type Row, type SqlType, type SqlValue } from './sql-type.ts'

export type Expression =
  | { readonly kind: 'column'; readonly name: string; readonly type: SqlType }
  | { readonly kind: 'literal'; readonly value: SqlValue; readonly type: SqlType }
  | {
      readonly kind: 'call'
      readonly operator: string
      readonly args: readonly Expression[]
      readonly type: SqlType
    }

export interface Item {
  readonly name: string
  readonly expression: Expression
}

export function column(name: string, type: SqlType): Expression {
  return { kind: 'column', name, type }
}

export function literal(value: SqlValue, type: SqlType): Expression {
  return { kind: 'literal', value, type }
}

export function call(operator: string, ...args: readonly Expression[]): Expression {
  const types = args.map((arg) => arg.type)
  return { kind: 'call', operator, args, type: operatorNamed(operator).result(types) }
}

/** SQL text; `nameText` spells a column, the aggregate it stands for in HAVING. */
export function expressionText(
  expression: Expression,
  nameText: (name: string) => string = (name) => name,
): string {
  switch (expression.kind) {
    case 'column':
      return nameText(expression.name)
    case 'literal':
      return literalText(expression.value, expression.type)
    case 'call': {
      const args = expression.args.map((arg) => expressionText(arg, nameText))
      return operatorNamed(expression.operator).sql(args)
    }
  }
}

type Evaluator = (row: Row) => SqlValue

const evaluators = new WeakMap<Expression, Evaluator>()

/** The expression's value for a row; the tree is turned into functions once. */
export function evaluate(expression: Expression, row: Row): SqlValue {
  return evaluatorOf(expression)(row)
}

function evaluatorOf(expression: Expression): Evaluator {
  let evaluator = evaluators.get(expression)
  if (evaluator === undefined) {
    evaluator = makeEvaluator(expression)
    evaluators.set(expression, evaluator)
  }
  return evaluator
}

function makeEvaluator(expression: Expression): Evaluator {
  switch (expression.kind) {
    case 'column': {
      const { name } = expression
      return (row) => {
        const value = row[name]
        if (value === undefined) throw new Error(`Row without column '${name}'`)
        return value
      }
    }
    case 'literal': {
      const { value } = expression
      return () => value
    }
    case 'call': {
      const operator = operatorNamed(expression.operator)
      const args = expression.args.map(evaluatorOf)
      const types = expression.args.map((arg) => arg.type)
      const strict = operator.nulls !== 'handled'
      return (row) => {
        const values: SqlValue[] = []
        for (const arg of args) {
          const value = arg(row)
          if (strict && value === null) return null
          values.push(value)
        }
        return operator.apply(values as never, types, expression.type)
      }
    }
  }
}

/** The expression and everything below it. */
export function* walk(expression: Expression): Generator<Expression> {
  yield expression
  if (expression.kind === 'call') for (const arg of expression.args) yield* walk(arg)
}

export function columnsOf(expression: Expression): Set<string> {
  const names = new Set<string>()
  for (const part of walk(expression)) if (part.kind === 'column') names.add(part.name)
  return names
}
