/**
 * Lineage: what each column of a node is made of, over the columns of the nearest source or
 * stateful operator below.
 *
 * What state is made of is said in these terms, so that aliases, sub-queries and the number of
 * projections in between do not change which state an operator has (`PhysicalNode.identity`), nor
 * where in the statement a filter stands which rows go into it (`PhysicalNode.filter`).
 */
import type { Schema } from '@millrace/core'
import { type Expression, foldConstants, formatExpression } from '@millrace/expression'
import type { AggregateCall } from '@millrace/sql-operators'
import { conjuncts, inlineColumns } from '../validate/expression-parts.ts'

export interface Lineage {
  /** Of the columns below. */
  readonly names: readonly string[]
  /** A node's columns, over those. */
  readonly expressions: readonly Expression[]
  /**
   * What rows have passed since, over those: texts of conditions in their order as
   * texts, each once.
   */
  readonly conditions: readonly string[]
}

/** Of a node whose columns stand for themselves. */
export function ownColumns(names: readonly string[], schema: Schema): Lineage {
  const expressions = schema.fields.map(({ type }, index): Expression => {
    return { kind: 'column', index, type }
  })
  return { names, expressions, conditions: [] }
}

export function columnNames(schema: Schema): string[] {
  return schema.fields.map((field) => field.name)
}

/** Of rows that meet `filter` and become `outputs`. */
export function lineageThrough(
  input: Lineage,
  filter: Expression | null,
  outputs: readonly Expression[],
): Lineage {
  const { names } = input
  const expressions = outputs.map((output) => inlined(output, input))
  const met = filter === null ? [] : conjuncts(inlined(filter, input))
  const conditions = met.map((condition) => formatExpression(condition, names))
  return { names, expressions, conditions: ordered([...input.conditions, ...conditions]) }
}

function ordered(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort()
}

/** Of what comes from several inputs, all that it comes from. */
export function lineageOfAll(inputs: readonly Lineage[], schema: Schema): Lineage {
  const names = schema.fields.map((_, c) => {
    const texts = inputs.map(({ names, expressions }) => formatExpression(expressions[c]!, names))
    return ordered(texts).join(' | ')
  })
  const conditions = ordered(inputs.map((input) => JSON.stringify(input.conditions)))
  return {
    ...ownColumns(names, schema),
    conditions: conditions.length === 1 ? (inputs[0]?.conditions ?? []) : [conditions.join(' | ')],
  }
}

export function describeOrigin(expression: Expression, input: Lineage): string {
  return formatExpression(inlined(expression, input), input.names)
}

/** `SUM(DISTINCT price) FILTER ok`, over the columns below. */
export function describeCallOrigin(call: AggregateCall, input: Lineage): string {
  const over = (part: Expression | null) => (part === null ? null : inlined(part, input))
  return describeCall(
    { ...call, argument: over(call.argument), filter: over(call.filter) },
    input.names,
  )
}

/** What a call reads, over the columns below: `DISTINCT price FILTER ok`; `*` for all rows. */
export function describeCallInput(call: AggregateCall, input: Lineage): string {
  const text = describeCallOrigin(call, input)
  const filter = call.filter === null ? '' : ` FILTER ${describeOrigin(call.filter, input)}`
  const end = text.length - filter.length - 1
  return text.slice(call.function.length + 1, end) + filter
}

export function describeCall(call: AggregateCall, names: readonly string[]): string {
  const argument = call.argument === null ? '*' : formatExpression(call.argument, names)
  const distinct = call.distinct ? 'DISTINCT ' : ''
  const filter = call.filter === null ? '' : ` FILTER ${formatExpression(call.filter, names)}`
  return `${call.function}(${distinct}${argument})${filter}`
}

/** Constants are worked out as if all had been written in one place. */
function inlined(expression: Expression, input: Lineage): Expression {
  return foldConstants(inlineColumns(expression, input.expressions))
}
