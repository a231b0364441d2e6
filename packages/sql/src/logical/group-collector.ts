/**
 * Takes the aggregates and window properties out of the SELECT list and HAVING of a query.
 *
 * What it takes out is replaced by columns beyond those of the input (`AGGREGATE_BASE`,
 * `PROPERTY_BASE`); once the group's keys are known, `overGroups` turns the expression around them
 * into one over keys, aggregates and properties.
 */
import { type Expression, sameExpression } from '@millrace/expression'
import type { AggregateCall, WindowProperty } from '@millrace/sql-operators'
import { notSupported, raise } from '../error-codes.ts'
import type { CallSyntax } from '../parse/syntax-tree.ts'
import type { Span } from '../parse/token.ts'
import { rewriteExpression } from '../validate/expression-parts.ts'
import {
  type AggregateCollector,
  ExpressionValidator,
  refuseNull,
} from '../validate/expression-validator.ts'
import { aggregateType, isAggregate } from '../validate/function-typing.ts'
import type { Scope } from '../validate/scope.ts'
import type { GroupWindow } from './group-window.ts'

const AGGREGATE_BASE = 1_000_000
const PROPERTY_BASE = 2_000_000

export class GroupCollector implements AggregateCollector {
  readonly aggregates: AggregateCall[] = []
  readonly properties: WindowProperty[] = []
  readonly #scope: Scope
  readonly #grouped: boolean
  readonly #window: GroupWindow | null
  #firstSpan: Span | null = null

  /** `grouped`: whether there are keys, so that no group is empty. */
  constructor(scope: Scope, grouped: boolean, window: GroupWindow | null) {
    this.#scope = scope
    this.#grouped = grouped
    this.#window = window
  }

  /** Where the first aggregate stands; null: there is none. */
  get firstSpan(): Span | null {
    return this.#firstSpan
  }

  aggregate(call: CallSyntax): Expression {
    this.#firstSpan ??= call.span
    const aggregate = this.#typed(call)
    let index = this.aggregates.findIndex(
      (other) => JSON.stringify(other) === JSON.stringify(aggregate),
    )
    if (index < 0) index = this.aggregates.push(aggregate) - 1
    return { kind: 'column', index: AGGREGATE_BASE + index, type: aggregate.resultType }
  }

  windowProperty(call: CallSyntax): Expression | null {
    const found = this.#window?.property(call) ?? null
    if (found === null) return null
    let index = this.properties.indexOf(found.property)
    if (index < 0) index = this.properties.push(found.property) - 1
    return { kind: 'column', index: PROPERTY_BASE + index, type: found.type }
  }

  #typed(call: CallSyntax): AggregateCall {
    const name = call.name.toUpperCase()
    if (!isAggregate(name)) throw notSupported(name, call.nameSpan)
    const within = (clause: string) =>
      new ExpressionValidator({ scope: this.#scope, clause, collector: null })
    const filter = call.filter === null ? null : within('FILTER').condition(call.filter)
    const common = { function: name, filter } as const
    if (call.star) {
      if (name !== 'COUNT' || call.distinct) {
        throw raise('SQL_INVALID', call.span, `${name}(*) is no aggregate; only COUNT(*) is.`)
      }
      const resultType = aggregateType('COUNT', null, call.span)
      return { ...common, argument: null, distinct: false, resultType }
    }
    if (call.args.length > 1 && name === 'COUNT') {
      throw notSupported('COUNT of several columns', call.span)
    }
    const [syntax] = call.args
    if (syntax === undefined || call.args.length !== 1) {
      throw raise('SQL_INVALID', call.span, `${name} takes 1 argument; found ${call.args.length}.`)
    }
    refuseNull(syntax)
    const argument = within('an aggregate').validate(syntax)
    const type = aggregateType(name, argument.type, call.span)
    const empty = !this.#grouped || filter !== null
    const nullable = name !== 'COUNT' && (argument.type.nullable || empty)
    const distinct = call.distinct && name !== 'MIN' && name !== 'MAX'
    return { ...common, argument, distinct, resultType: { ...type, nullable } }
  }

  /**
   * `expression` over [keys, aggregates, properties]. Throws SQL_INVALID for a column
   * that is no key.
   */
  overGroups(
    expression: Expression,
    keys: readonly Expression[],
    validator: ExpressionValidator,
  ): Expression {
    return rewriteExpression(expression, (node) => {
      const key = keys.findIndex((candidate) => sameExpression(candidate, node))
      if (key >= 0) return { kind: 'column', index: key, type: node.type }
      if (node.kind !== 'column') return null
      if (node.index >= PROPERTY_BASE) {
        const index = keys.length + this.aggregates.length + node.index - PROPERTY_BASE
        return { ...node, index }
      }
      if (node.index >= AGGREGATE_BASE) {
        return { ...node, index: keys.length + node.index - AGGREGATE_BASE }
      }
      const name = this.#scope.columns[node.index]?.name ?? ''
      throw raise(
        'SQL_INVALID',
        validator.spanOf(node) ?? validator.spanOf(expression),
        `The column '${name}' is neither in GROUP BY nor inside an aggregate.`,
        `Add it to GROUP BY, or write e.g. MAX(${name}).`,
      )
    })
  }
}
