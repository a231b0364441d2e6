/** Every operator that generated jobs use, by name and by the kind of its result. */
import type { SqlKind, SqlType } from '../model/sql-type.ts'
import { LOGIC_OPERATORS } from './logic-operators.ts'
import { NUMBER_OPERATORS } from './number-operators.ts'
import type { OperatorSpec } from './operator-spec.ts'
import { TEXT_OPERATORS } from './text-operators.ts'
import { TIME_OPERATORS } from './time-operators.ts'

export const OPERATORS: ReadonlyMap<string, OperatorSpec> = new Map(
  [...LOGIC_OPERATORS, ...NUMBER_OPERATORS, ...TEXT_OPERATORS, ...TIME_OPERATORS].map((spec) => [
    spec.name,
    spec,
  ]),
)

export function operatorNamed(name: string): OperatorSpec {
  const spec = OPERATORS.get(name)
  if (spec === undefined) throw new Error(`No generated operator '${name}'`)
  return spec
}

/** A DECIMAL argument of any scale stands for the kind when only the result's kind is asked for. */
const SAMPLE: Readonly<Record<SqlKind, SqlType>> = {
  STRING: { kind: 'STRING' },
  INT: { kind: 'INT' },
  BIGINT: { kind: 'BIGINT' },
  DOUBLE: { kind: 'DOUBLE' },
  BOOLEAN: { kind: 'BOOLEAN' },
  DATE: { kind: 'DATE' },
  TIMESTAMP: { kind: 'TIMESTAMP' },
  DECIMAL: { kind: 'DECIMAL', precision: 10, scale: 2 },
}

function resultKind(spec: OperatorSpec): SqlKind {
  const types = spec.args.map((arg): SqlType => {
    if (typeof arg === 'string') return SAMPLE[arg]
    if ('leaf' in arg) return SAMPLE[arg.leaf]
    return 'column' in arg ? SAMPLE[arg.column] : arg.type
  })
  return spec.result(types).kind
}

/** Operators by the kind that they give. */
export const OPERATORS_GIVING: ReadonlyMap<SqlKind, readonly OperatorSpec[]> = Map.groupBy(
  OPERATORS.values(),
  resultKind,
)
