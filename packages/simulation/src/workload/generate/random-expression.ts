/**
 * Random expressions of a wanted kind over given columns: operators by result, columns and literals
 * at the leaves.
 */

import type { SeededRandom } from '../../world/seeded-random.ts'
import { call, column, type Expression, literal } from '../model/expression.ts'
import type { Column } from '../model/query.ts'
import {
  BIGINT,
  BOOLEAN,
  DATE,
  DOUBLE,
  INT,
  type SqlKind,
  type SqlType,
  type SqlValue,
  STRING,
  TIMESTAMP,
} from '../model/sql-type.ts'
import type { ArgumentSpec, OperatorSpec } from '../operators/operator-spec.ts'
import { OPERATORS_GIVING, operatorNamed } from '../operators/operator-table.ts'

export const START_MS = Date.UTC(2026, 10, 22, 10, 0, 0)

const LITERALS: Readonly<Record<SqlKind, { type: SqlType; of: readonly SqlValue[] }>> = {
  STRING: { type: STRING, of: ['alpha', 'beta', '', "it's", 'Zoë', '日本', 'a_b%c', '7'] },
  INT: { type: INT, of: [-3, 0, 1, 2, 7, 100] },
  BIGINT: { type: BIGINT, of: [-1n, 0n, 5n, 4_000_000_000n] },
  DOUBLE: { type: DOUBLE, of: [-2.5, 0.5, 1, 20, 1000] },
  DECIMAL: {
    type: { kind: 'DECIMAL', precision: 4, scale: 2 },
    of: [-150n, 25n, 0n, 975n, 1250n],
  },
  BOOLEAN: { type: BOOLEAN, of: [true, false] },
  DATE: { type: DATE, of: [20_780, 20_781, 20_790] },
  TIMESTAMP: { type: TIMESTAMP, of: [START_MS, START_MS + 90_500, START_MS + 3_600_001] },
}

export interface ExpressionSource {
  readonly random: SeededRandom
  readonly columns: readonly Column[]
  /** No products of decimals: their digits would not fit when the columns are results already. */
  readonly noDecimalProducts: boolean
}

/** Operators that give the kind and may be drawn here. */
function operatorsGiving(
  { noDecimalProducts }: ExpressionSource,
  kind: SqlKind,
): readonly OperatorSpec[] {
  const all = OPERATORS_GIVING.get(kind) ?? []
  return noDecimalProducts ? all.filter(({ name }) => !name.startsWith('* DECIMAL')) : all
}

export function randomExpression(
  source: ExpressionSource,
  kind: SqlKind,
  depth: number,
): Expression {
  const { random } = source
  const operators = operatorsGiving(source, kind)
  if (depth <= 0 || operators.length === 0 || random.chance(0.1)) return randomLeaf(source, kind)
  const { name, args } = random.pick(operators)
  return call(name, ...args.map((arg) => randomArgument(source, arg, depth - 1)))
}

/** A call of that operator. */
export function randomCall(source: ExpressionSource, name: string, depth: number): Expression {
  const { args } = operatorNamed(name)
  return call(name, ...args.map((arg) => randomArgument(source, arg, depth - 1)))
}

/** A call of any operator that gives one of the kinds, each as likely. */
export function anyCall(
  source: ExpressionSource,
  kinds: readonly SqlKind[],
  depth: number,
): Expression {
  const fitting = [...new Set(kinds)].flatMap((kind) => operatorsGiving(source, kind))
  return randomCall(source, source.random.pick(fitting).name, depth)
}

function randomArgument(source: ExpressionSource, arg: ArgumentSpec, depth: number): Expression {
  if (typeof arg === 'string') return randomExpression(source, arg, depth)
  if ('leaf' in arg) return randomLeaf(source, arg.leaf)
  if ('column' in arg) return columnOfKind(source, arg.column) ?? randomLiteral(source, arg.column)
  return literal(source.random.pick(arg.of), arg.type)
}

function randomLeaf(source: ExpressionSource, kind: SqlKind): Expression {
  const found = source.random.chance(0.75) ? columnOfKind(source, kind) : null
  return found ?? randomLiteral(source, kind)
}

export function columnOfKind(
  { random, columns }: ExpressionSource,
  kind: SqlKind,
): Expression | null {
  const fitting = columns.filter(({ type }) => type.kind === kind)
  if (fitting.length === 0) return null
  const { name, type } = random.pick(fitting)
  return column(name, type)
}

export function randomLiteral({ random }: ExpressionSource, kind: SqlKind): Expression {
  const { type, of } = LITERALS[kind]
  return literal(random.pick(of), type)
}

/** A condition that lets a good part of the rows through: one test, rarely two. */
export function randomCondition(source: ExpressionSource): Expression {
  const { random } = source
  const test = () => {
    const operators = OPERATORS_GIVING.get('BOOLEAN')!
    return randomCall(source, random.pick(operators).name, 2)
  }
  const first = test()
  if (random.chance(0.3)) return call(random.pick(['AND', 'OR']), first, test())
  return random.chance(0.3) ? call('OR', first, call('IS NOT TRUE', first)) : first
}
