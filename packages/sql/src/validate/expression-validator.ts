/**
 * Syntax → typed expression: resolves names in a scope, functions in the table, and works
 * out every type.
 *
 * Aggregates and window functions (TUMBLE_START …) are handed to `AggregateCollector` where a query
 * may have them; elsewhere they are errors. `spanOf` tells where an expression came from, for
 * errors found later.
 */
import { formatType, type LogicalType, type StringType } from '@millrace/core'
import { type Expression, promoteToWider, TIME_UNITS } from '@millrace/expression'
import { nearName, notSupported, raise } from '../error-codes.ts'
import type {
  BinaryOperator,
  CallSyntax,
  CaseSyntax,
  ExpressionSyntax,
} from '../parse/syntax-tree.ts'
import type { Span } from '../parse/token.ts'
import {
  explicitCast,
  functionNamed,
  inCommonType,
  isAggregate,
  typedCall,
  typeName,
} from './function-typing.ts'
import {
  booleanLiteral,
  charLiteral,
  literal,
  nullLiteral,
  numberLiteral,
  temporalLiteral,
  textLiteral,
} from './literal.ts'
import type { Scope } from './scope.ts'

/** Takes aggregates and window properties out of the expressions of a grouped query. */
export interface AggregateCollector {
  /** What stands for the aggregate in the expression around it. */
  aggregate(call: CallSyntax, validator: ExpressionValidator): Expression
  /** TUMBLE_START and its kin; null when `call` is none. */
  windowProperty(call: CallSyntax): Expression | null
}

export interface ValidatorSettings {
  readonly scope: Scope
  /** Where the expression stands, for messages: `WHERE`, `a computed column`. */
  readonly clause: string
  /** Null: no aggregates here. */
  readonly collector: AggregateCollector | null
}

const OPERATORS: Readonly<Record<BinaryOperator, string>> = {
  OR: 'or',
  AND: 'and',
  '=': 'equals',
  '<>': 'not_equals',
  '<': 'less',
  '<=': 'less_equal',
  '>': 'greater',
  '>=': 'greater_equal',
  '+': 'plus',
  '-': 'minus',
  '*': 'times',
  '/': 'divide',
  '%': 'mod',
  '||': 'concat',
  'IS DISTINCT FROM': 'is_distinct_from',
  'IS NOT DISTINCT FROM': 'is_not_distinct_from',
}
const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%'])
/** Type of an untyped NULL. */
const UNTYPED_NULL: LogicalType = { kind: 'STRING', nullable: true }
const WINDOW_FUNCTION = /^(TUMBLE|HOP|SESSION)(_START|_END|_ROWTIME|_PROCTIME)?$/

export class ExpressionValidator {
  readonly settings: ValidatorSettings
  readonly #spans = new Map<Expression, Span>()

  constructor(settings: ValidatorSettings) {
    this.settings = settings
  }

  /** Where the expression was written; null for one that was made up. */
  spanOf(expression: Expression): Span | null {
    return this.#spans.get(expression) ?? null
  }

  /**
   * The typed expression. Throws SQL_UNKNOWN_COLUMN, SQL_UNKNOWN_FUNCTION,
   * SQL_TYPE_MISMATCH, SQL_INVALID.
   */
  validate(syntax: ExpressionSyntax): Expression {
    const expression = this.#typed(syntax)
    this.#spans.set(expression, syntax.span)
    return expression
  }

  /** As `validate`, and it must be BOOLEAN. */
  condition(syntax: ExpressionSyntax): Expression {
    const expression = this.validate(syntax)
    if (expression.type.kind === 'BOOLEAN') return expression
    if (expression.kind === 'literal' && expression.value === null) {
      return nullLiteral({ kind: 'BOOLEAN', nullable: true })
    }
    throw raise(
      'SQL_TYPE_MISMATCH',
      syntax.span,
      `${this.settings.clause} takes a BOOLEAN condition; this is ${typeName(expression.type)}.`,
    )
  }

  #typed(syntax: ExpressionSyntax): Expression {
    switch (syntax.kind) {
      case 'number':
        return numberLiteral(syntax.text, syntax.span)
      case 'string':
        return charLiteral(syntax.value)
      case 'boolean':
        return booleanLiteral(syntax.value)
      case 'null':
        return nullLiteral(UNTYPED_NULL)
      case 'temporal':
        return temporalLiteral(syntax.type, syntax.text, syntax.span)
      case 'interval': {
        const kind = syntax.family === 'day-time' ? 'INTERVAL_DAY_TIME' : 'INTERVAL_YEAR_MONTH'
        return literal(syntax.value, { kind, nullable: false })
      }
      case 'word':
        return textLiteral(syntax.word)
      case 'name':
        return this.#column(syntax)
      case 'unary':
        return this.#unary(syntax)
      case 'binary':
        return this.#binary(syntax)
      case 'is':
        return this.#is(syntax)
      case 'between':
        return this.#between(syntax)
      case 'in':
        return this.#in(syntax)
      case 'like':
        return this.#like(syntax)
      case 'cast':
        return explicitCast(this.validate(syntax.operand), syntax.type, syntax.safe, syntax.span)
      case 'case':
        return this.#case(syntax)
      case 'call':
        return this.#call(syntax)
    }
  }

  #column(syntax: ExpressionSyntax & { kind: 'name' }): Expression {
    const index = this.settings.scope.resolve(syntax.parts, syntax.span)
    const column = this.settings.scope.columns[index] as { type: LogicalType }
    return { kind: 'column', index, type: column.type }
  }

  #unary(syntax: ExpressionSyntax & { kind: 'unary' }): Expression {
    if (syntax.operator === 'NOT') {
      return typedCall('not', [this.#operand(syntax.operand, 'BOOLEAN')], syntax.span)
    }
    const operand = this.validate(syntax.operand)
    if (syntax.operator === '-') return typedCall('negate', [operand], syntax.span)
    typedCall('negate', [operand], syntax.span)
    return operand
  }

  /** Validates an operand; an untyped NULL takes the given kind. */
  #operand(syntax: ExpressionSyntax, kind: 'BOOLEAN' | 'STRING'): Expression {
    const operand = this.validate(syntax)
    return isNull(operand) ? nullLiteral({ kind, nullable: true }) : operand
  }

  #binary(syntax: ExpressionSyntax & { kind: 'binary' }): Expression {
    let left = this.validate(syntax.left)
    let right = this.validate(syntax.right)
    if (ARITHMETIC.has(syntax.operator)) refuseNull(syntax.left, syntax.right)
    const logic = syntax.operator === 'AND' || syntax.operator === 'OR'
    if (isNull(left)) left = nullLike(left, logic ? BOOLEAN : right.type)
    if (isNull(right)) right = nullLike(right, logic ? BOOLEAN : left.type)
    const call = typedCall(OPERATORS[syntax.operator], [left, right], syntax.span)
    return syntax.operator === '||' ? withType(call, joinedType(left.type, right.type)) : call
  }

  #is(syntax: ExpressionSyntax & { kind: 'is' }): Expression {
    const operand =
      syntax.test === 'NULL'
        ? this.validate(syntax.operand)
        : this.#operand(syntax.operand, 'BOOLEAN')
    const name = `is_${syntax.negated ? 'not_' : ''}${syntax.test.toLowerCase()}`
    return typedCall(name, [operand], syntax.span)
  }

  #between(syntax: ExpressionSyntax & { kind: 'between' }): Expression {
    const operand = this.validate(syntax.operand)
    const low = nullLike(this.validate(syntax.low), operand.type)
    const high = nullLike(this.validate(syntax.high), operand.type)
    const both = typedCall(
      'and',
      [
        typedCall('greater_equal', [operand, low], syntax.span),
        typedCall('less_equal', [operand, high], syntax.span),
      ],
      syntax.span,
    )
    return syntax.negated ? typedCall('not', [both], syntax.span) : both
  }

  #in(syntax: ExpressionSyntax & { kind: 'in' }): Expression {
    const operand = this.validate(syntax.operand)
    const items = syntax.items.map((item) => nullLike(this.validate(item), operand.type))
    const call = typedCall('in', [operand, ...items], syntax.span)
    return syntax.negated ? typedCall('not', [call], syntax.span) : call
  }

  #like(syntax: ExpressionSyntax & { kind: 'like' }): Expression {
    const args = [this.#operand(syntax.operand, 'STRING'), this.#operand(syntax.pattern, 'STRING')]
    if (syntax.escape !== null) args.push(this.#operand(syntax.escape, 'STRING'))
    return typedCall(syntax.negated ? 'not_like' : 'like', args, syntax.span)
  }

  #case(syntax: CaseSyntax): Expression {
    const operand = syntax.operand === null ? null : this.validate(syntax.operand)
    const whens = syntax.branches.map(({ when }) => {
      if (operand === null) return this.condition(when)
      return typedCall('equals', [operand, nullLike(this.validate(when), operand.type)], when.span)
    })
    const results = syntax.branches.map(({ result }) => this.validate(result))
    const otherwise =
      syntax.otherwise === null ? nullLiteral(UNTYPED_NULL) : this.validate(syntax.otherwise)
    const spans = syntax.branches.map(({ result }) => result.span)
    spans.push(syntax.otherwise?.span ?? syntax.span)
    return caseOf(whens, [...results, otherwise], spans, 'CASE')
  }

  #call(syntax: CallSyntax): Expression {
    const name = syntax.name.toUpperCase()
    if (WINDOW_FUNCTION.test(name)) return this.#windowFunction(syntax, name)
    if (isAggregate(name)) {
      const { collector, clause } = this.settings
      if (collector !== null) return collector.aggregate(syntax, this)
      throw raise(
        'SQL_INVALID',
        syntax.nameSpan,
        `The aggregate ${name} cannot be used in ${clause}.`,
        clause === 'WHERE' ? 'Filter groups with HAVING.' : undefined,
      )
    }
    if (name === 'TYPEOF') return this.#typeOf(syntax)
    const conditional = this.#conditional(name, syntax)
    if (conditional !== null) return conditional
    const known = functionNamed(syntax.name, syntax.nameSpan)
    for (const [used, what] of [
      [syntax.star, '*'],
      [syntax.distinct, 'DISTINCT'],
      [syntax.filter !== null, 'FILTER'],
    ] as const) {
      if (used) {
        throw raise('SQL_INVALID', syntax.span, `${what} belongs to aggregates; ${name} is none.`)
      }
    }
    return this.#named(known, syntax)
  }

  #named(known: string, syntax: CallSyntax): Expression {
    const args = syntax.args.map((arg) => this.validate(arg))
    for (const arg of syntax.args) if (known !== 'trim') checkUnit(arg)
    const unit = syntax.args[1]?.kind === 'word' ? syntax.args[1] : null
    if (unit !== null && (known === 'floor' || known === 'ceil')) {
      return typedCall(`${known}_to`, args, syntax.span)
    }
    return typedCall(known, args, syntax.span)
  }

  /** The type is known here, so the call is its text. */
  #typeOf(syntax: CallSyntax): Expression {
    const [argument, further] = syntax.args
    if (argument === undefined || (further !== undefined && further.kind !== 'boolean')) {
      throw raise('SQL_TYPE_MISMATCH', syntax.span, 'TYPEOF takes one value.')
    }
    const { type } = this.validate(argument)
    const text = argument.kind === 'null' ? 'NULL' : typeText(type)
    return withType(textLiteral(text), { kind: 'STRING', nullable: true })
  }

  #windowFunction(syntax: CallSyntax, name: string): Expression {
    if (name.startsWith('SESSION'))
      throw notSupported(`The window function ${name}`, syntax.nameSpan)
    const property = this.settings.collector?.windowProperty(syntax) ?? null
    if (property !== null) return property
    const base = name.split('_')[0] as string
    throw raise(
      'SQL_INVALID',
      syntax.nameSpan,
      `${name} cannot be used in ${this.settings.clause} without GROUP BY ${base}(…).`,
      name === base
        ? `Group by it, or read FROM TABLE(${base}(TABLE t, DESCRIPTOR(ts), …)).`
        : `Add GROUP BY ${base}(ts, …) with the same arguments.`,
    )
  }

  /** COALESCE, IFNULL, NULLIF and IF are CASE expressions; null when `name` is none of them. */
  #conditional(name: string, syntax: CallSyntax): Expression | null {
    const counts: Record<string, [number, number]> = {
      COALESCE: [1, 1000],
      IFNULL: [2, 2],
      NULLIF: [2, 2],
      IF: [3, 3],
    }
    const count = Object.hasOwn(counts, name) ? (counts[name] as [number, number]) : undefined
    if (count === undefined) return null
    if (syntax.args.length < count[0] || syntax.args.length > count[1]) {
      const wanted = name === 'COALESCE' ? 'at least 1 argument' : `${count[0]} arguments`
      throw raise(
        'SQL_TYPE_MISMATCH',
        syntax.span,
        `${name} takes ${wanted}; found ${syntax.args.length}.`,
      )
    }
    const spans = syntax.args.map((arg) => arg.span)
    if (name === 'IF') {
      const [condition, then, otherwise] = syntax.args as [
        ExpressionSyntax,
        ExpressionSyntax,
        ExpressionSyntax,
      ]
      refuseNull(then, otherwise)
      const results = [this.validate(then), this.validate(otherwise)]
      return caseOf([this.condition(condition)], results, spans.slice(1), 'IF')
    }
    const args = syntax.args.map((arg) => this.validate(arg))
    if (name === 'NULLIF') {
      const [value, other] = args as [Expression, Expression]
      const equal = typedCall('equals', [value, nullLike(other, value.type)], syntax.span)
      return caseOf([equal], [nullLiteral(value.type), value], spans, 'NULLIF')
    }
    return coalesce(args, spans, syntax.span, name)
  }
}

/** As the reference names a type: it keeps each interval in one unit. */
function typeText(type: LogicalType): string {
  const notNull = type.nullable ? '' : ' NOT NULL'
  if (type.kind === 'INTERVAL_DAY_TIME') return `INTERVAL SECOND(3)${notNull}`
  if (type.kind === 'INTERVAL_YEAR_MONTH') return `INTERVAL MONTH${notNull}`
  return formatType(type)
}

/** The expression under another name of its type, one that its values have as well. */
function withType(expression: Expression, type: LogicalType): Expression {
  return { ...expression, type }
}

/** `a || b`: the lengths add up, and two CHARs make one. */
function joinedType(a: LogicalType, b: LogicalType): LogicalType {
  const nullable = a.nullable || b.nullable
  const isBounded = (type: LogicalType) => type.kind === 'STRING' && type.length !== undefined
  if (!isBounded(a) || !isBounded(b)) return { kind: 'STRING', nullable }
  const [x, y] = [a as StringType, b as StringType]
  const length = (x.length as number) + (y.length as number)
  return { kind: 'STRING', length, nullable, ...(x.fixed && y.fixed ? { fixed: true } : {}) }
}

/** A bare word as an argument is a unit of time. */
function checkUnit(arg: ExpressionSyntax): void {
  if (arg.kind !== 'word' || TIME_UNITS.includes(arg.word)) return
  const near = nearName(arg.word, TIME_UNITS)
  throw raise(
    'SQL_INVALID',
    arg.span,
    `Unknown unit of time '${arg.word}'${near === undefined ? '.' : `; did you mean '${near}'?`}`,
    `Units: ${TIME_UNITS.join(', ')}.`,
  )
}

/**
 * A bare NULL has a type only where its neighbour gives it one. Throws SQL_TYPE_MISMATCH for any
 * among `parts`.
 */
export function refuseNull(...parts: readonly ExpressionSyntax[]): void {
  const bare = parts.find(({ kind }) => kind === 'null')
  if (bare === undefined) return
  throw raise(
    'SQL_TYPE_MISMATCH',
    bare.span,
    'NULL has no type here; give it one with CAST.',
    'For example: CAST(NULL AS INT).',
  )
}

/** One WHEN … THEN … of a CASE. */
function branch(when: Expression, result: Expression) {
  // biome-ignore lint/suspicious/noThenProperty: the field of a CASE branch
  return { when, then: result }
}

const BOOLEAN: LogicalType = { kind: 'BOOLEAN', nullable: true }

function isNull(expression: Expression): boolean {
  return expression.kind === 'literal' && expression.value === null
}

function nullLike(expression: Expression, type: LogicalType): Expression {
  return isNull(expression) ? nullLiteral(type) : expression
}

/** WHEN whens[i] THEN results[i] … ELSE the last result. */
function caseOf(
  whens: readonly Expression[],
  results: readonly Expression[],
  spans: readonly Span[],
  what: string,
): Expression {
  const { expressions, type } = inCommonType(results, spans, what)
  const certain = whens.findIndex((when) => when.kind === 'literal' && when.value === true)
  const reached = certain < 0 ? expressions : expressions.slice(0, certain + 1)
  return {
    kind: 'case',
    branches: whens.map((when, i) => branch(when, expressions[i] as Expression)),
    otherwise: expressions[expressions.length - 1] as Expression,
    // What stands behind a WHEN TRUE is never the result.
    type: { ...type, nullable: reached.some((result) => result.type.nullable) },
  }
}

/** The first that is not NULL; NOT NULL as soon as one of them is. */
function coalesce(
  args: readonly Expression[],
  spans: readonly Span[],
  span: Span,
  what: string,
): Expression {
  const { expressions, type } = inCommonType(args, spans, what, promoteToWider)
  const last = expressions[expressions.length - 1] as Expression
  if (expressions.length === 1) return last
  const branches = expressions
    .slice(0, -1)
    .map((value) => branch(typedCall('is_not_null', [value], span), value))
  return {
    kind: 'case',
    branches,
    otherwise: last,
    type: { ...type, nullable: args.every((arg) => arg.type.nullable) },
  }
}
