/**
 * GROUP BY → an aggregate over a window, or one that updates for ever.
 *
 * A window is recognised in both its forms: the older TUMBLE(…) in GROUP BY, and window_start with
 * window_end of a window table function anywhere below, through filters and projections, which are
 * pulled into the keys and aggregates. Both come out as the same nodes: keys, aggregates and
 * properties of one window aggregate under a projection that restores the order.
 */
import { columnsUsed, type Expression } from '@millrace/expression'
import type { AggregateCall, WindowProperty } from '@millrace/sql-operators'
import { notSupported, raise } from '../error-codes.ts'
import type { Span } from '../parse/token.ts'
import { conjunction, inlineColumns } from '../validate/expression-parts.ts'
import { withoutAttribute } from '../validate/function-typing.ts'
import type { GroupCollector } from './group-collector.ts'
import type { GroupWindow } from './group-window.ts'
import { schemaOf } from './logical-context.ts'
import type { LogicalNode, WindowAggregateNode, WindowTableNode } from './logical-plan.ts'

const PROPERTY_ORDER: readonly WindowProperty[] = [
  'window_start',
  'window_end',
  'window_time',
  'proctime',
]

/** Rows of [keys, aggregates, properties of the older form]. */
export function groupRows(
  input: LogicalNode,
  keys: readonly Expression[],
  collector: GroupCollector,
  window: GroupWindow | null,
  span: Span,
): LogicalNode {
  if (window !== null) return overGroupWindow(input, keys, collector, window)
  const windowed = overWindowTable(input, keys, collector.aggregates, span)
  if (windowed !== null) return windowed
  const types = [
    ...keys.map((key) => ({ type: withoutAttribute(key.type) })),
    ...collector.aggregates.map((aggregate) => ({ type: aggregate.resultType })),
  ]
  const names = [...keyNames(keys, input), ...aggregateNames(collector.aggregates)]
  return {
    kind: 'aggregate',
    input,
    keys,
    aggregates: collector.aggregates,
    schema: schemaOf(names, types),
  }
}

function keyNames(keys: readonly Expression[], input: LogicalNode): string[] {
  return keys.map((key, i) =>
    key.kind === 'column' ? (input.schema.fields[key.index]?.name ?? `key$${i}`) : `key$${i}`,
  )
}

function aggregateNames(aggregates: readonly AggregateCall[]): string[] {
  return aggregates.map((_, i) => `agg$${i}`)
}

function windowAggregate(
  parts: Pick<WindowAggregateNode, 'input' | 'keys' | 'aggregates' | 'window' | 'rowtime'>,
  timeIsLtz: boolean,
  wanted: readonly WindowProperty[],
): WindowAggregateNode {
  const properties = PROPERTY_ORDER.filter((property) => wanted.includes(property))
  const columns = [
    ...parts.keys.map((key) => ({ type: withoutAttribute(key.type) })),
    ...parts.aggregates.map((aggregate) => ({ type: aggregate.resultType })),
    ...properties.map((property) => ({ type: propertyType(property, timeIsLtz) })),
  ]
  const names = [
    ...keyNames(parts.keys, parts.input),
    ...aggregateNames(parts.aggregates),
    ...properties,
  ]
  return { kind: 'window-aggregate', ...parts, properties, schema: schemaOf(names, columns) }
}

function propertyType(property: WindowProperty, timeIsLtz: boolean) {
  const common = { precision: 3, nullable: false }
  switch (property) {
    case 'window_time':
      return {
        kind: timeIsLtz ? ('TIMESTAMP_LTZ' as const) : ('TIMESTAMP' as const),
        ...common,
        attribute: 'rowtime' as const,
      }
    case 'proctime':
      return { kind: 'TIMESTAMP_LTZ' as const, ...common, attribute: 'proctime' as const }
    default:
      return { kind: 'TIMESTAMP' as const, ...common }
  }
}

/** The columns of `node` at `positions`, in that order. */
function pick(node: LogicalNode, positions: readonly number[]): LogicalNode {
  const fields = positions.map((i) => node.schema.fields[i]!)
  const expressions = positions.map((index, i): Expression => {
    return { kind: 'column', index, type: fields[i]!.type }
  })
  return { kind: 'project', input: node, expressions, schema: { fields } }
}

function overGroupWindow(
  input: LogicalNode,
  keys: readonly Expression[],
  collector: GroupCollector,
  window: GroupWindow,
): LogicalNode {
  const rowtime = window.attribute === 'rowtime' ? window.time : null
  const { aggregates } = collector
  const node = windowAggregate(
    { input, keys, aggregates, window: window.window, rowtime },
    window.time.type.kind === 'TIMESTAMP_LTZ',
    collector.properties,
  )
  const before = keys.length + aggregates.length
  const positions = [
    ...Array.from({ length: before }, (_, i) => i),
    ...collector.properties.map((property) => before + node.properties.indexOf(property)),
  ]
  return pick(node, positions)
}

/**
 * What lies between an aggregate and the window table function below it, as expressions over that
 * function's columns.
 */
interface WindowInput {
  readonly window: WindowTableNode
  readonly columns: readonly Expression[]
  readonly conditions: readonly Expression[]
}

function windowBelow(input: LogicalNode): WindowInput | null {
  let node = input
  let columns = input.schema.fields.map(({ type }, index): Expression => {
    return { kind: 'column', index, type }
  })
  let conditions: Expression[] = []
  while (node.kind === 'project' || node.kind === 'filter') {
    if (node.kind === 'filter') conditions.push(node.condition)
    else {
      const { expressions } = node
      columns = columns.map((column) => inlineColumns(column, expressions))
      conditions = conditions.map((condition) => inlineColumns(condition, expressions))
    }
    node = node.input
  }
  return node.kind === 'window-table' ? { window: node, columns, conditions } : null
}

function overWindowTable(
  input: LogicalNode,
  outerKeys: readonly Expression[],
  outerAggregates: readonly AggregateCall[],
  span: Span,
): LogicalNode | null {
  const below = windowBelow(input)
  if (below === null) return null
  const { window, columns } = below
  const width = window.input.schema.fields.length
  const inline = (expression: Expression) => inlineColumns(expression, columns)
  const keys = outerKeys.map(inline)
  const propertyOf = (key: Expression): WindowProperty | null =>
    key.kind === 'column' && key.index >= width ? (PROPERTY_ORDER[key.index - width] ?? null) : null
  const found = keys.map(propertyOf)
  if (!found.includes('window_start') && !found.includes('window_end')) return null
  for (const needed of ['window_start', 'window_end'] as const) {
    if (!found.includes(needed)) {
      throw raise(
        'SQL_INVALID',
        span,
        `GROUP BY of a window needs both window_start and window_end; ${needed} is missing.`,
        `Add ${needed} to GROUP BY.`,
      )
    }
  }
  const aggregates = outerAggregates.map((aggregate) => ({
    ...aggregate,
    argument: aggregate.argument === null ? null : inline(aggregate.argument),
    filter: aggregate.filter === null ? null : inline(aggregate.filter),
  }))
  const plainKeys = keys.filter((_, i) => found[i] === null)
  refuseWindowColumns(below, plainKeys, aggregates, width, span)
  const timeField = window.input.schema.fields[window.timeColumn]!
  // In batch mode a plain TIMESTAMP as well: the window's column was checked where it was read.
  const rowtime = !('attribute' in timeField.type && timeField.type.attribute === 'proctime')
  const condition = conjunction(below.conditions)
  const { schema } = window.input
  const rows: LogicalNode =
    condition === null ? window.input : { kind: 'filter', input: window.input, condition, schema }
  const time: Expression = { kind: 'column', index: window.timeColumn, type: timeField.type }
  const asProperty = (property: WindowProperty): WindowProperty =>
    property === 'window_time' && !rowtime ? 'proctime' : property
  const wanted = found.flatMap((property) => (property === null ? [] : [asProperty(property)]))
  const node = windowAggregate(
    {
      input: rows,
      keys: plainKeys,
      aggregates,
      window: window.window,
      rowtime: rowtime ? time : null,
    },
    timeField.type.kind === 'TIMESTAMP_LTZ',
    wanted,
  )
  const propertyBase = plainKeys.length + aggregates.length
  let nextKey = 0
  const keyPositions = found.map((property) =>
    property === null ? nextKey++ : propertyBase + node.properties.indexOf(asProperty(property)),
  )
  return pick(node, [...keyPositions, ...aggregates.map((_, i) => plainKeys.length + i)])
}

/** The bounds of the window are known only when it fires: they cannot be computed with before. */
function refuseWindowColumns(
  below: WindowInput,
  keys: readonly Expression[],
  aggregates: readonly AggregateCall[],
  width: number,
  span: Span,
): void {
  const within = aggregates.flatMap(({ argument, filter }) => [argument, filter])
  const all = [...below.conditions, ...keys, ...within].filter((part) => part !== null)
  if (!all.some((part) => columnsUsed(part).some((index) => index >= width))) return
  throw notSupported(
    'Computing with window_start, window_end or window_time below the GROUP BY of their window',
    span,
    'Do it above: in SELECT or HAVING of the grouped query.',
  )
}
