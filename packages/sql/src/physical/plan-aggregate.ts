/**
 * Aggregates → operators with the exchange between them.
 *
 * Event-time windows run in two phases: a local one fused to its input, which sends one row a key and slice, and a
 * global one behind a
 * hash exchange. Processing time, ONE_PHASE and GROUP BY without a window send the rows themselves.
 */
import type { Schema } from '@millrace/core'
import { columnsUsed, type Expression, formatExpression, remapColumns } from '@millrace/expression'
import {
  type AggregateCall,
  accumulatorSchema,
  type GroupAggregateConfig,
  SQL_OPERATORS,
  supportsTwoPhase,
  type WindowAggregateConfig,
  type WindowSpec,
} from '@millrace/sql-operators'
import { notSupported } from '../error-codes.ts'
import { schemaOf } from '../logical/build-context.ts'
import type { AggregateNode, WindowAggregateNode } from '../logical/logical-plan.ts'
import { AGG_PHASE_STRATEGY, STATE_TTL } from '../sql-options.ts'
import type { PhysicalNode } from './physical-plan.ts'
import { calcOver } from './plan-calc.ts'
import { defaultParallelism, type PlannerContext } from './planner-context.ts'

type Grouping = Pick<WindowAggregateNode, 'keys' | 'aggregates' | 'rowtime'>

export function planWindowAggregate(
  node: WindowAggregateNode,
  input: PhysicalNode,
  context: PlannerContext,
): PhysicalNode {
  if (input.updatedBy !== null) {
    throw notSupported(`A window over the updates of ${input.updatedBy}`, null)
  }
  const twoPhase =
    context.configuration.get(AGG_PHASE_STRATEGY) !== 'ONE_PHASE' &&
    supportsTwoPhase(windowConfig(node, node, input.schema, true))
  return twoPhase ? planTwoPhases(node, input, context) : planOnePhase(node, input, context)
}

function windowConfig(
  node: WindowAggregateNode,
  grouping: Grouping,
  inputSchema: Schema,
  twoPhase: boolean,
): WindowAggregateConfig {
  return {
    inputSchema,
    keys: grouping.keys,
    aggregates: grouping.aggregates,
    window: node.window,
    rowtime: grouping.rowtime,
    properties: node.properties,
    twoPhase,
    outputSchema: node.schema,
  }
}

function planTwoPhases(
  node: WindowAggregateNode,
  input: PhysicalNode,
  context: PlannerContext,
): PhysicalNode {
  const config = windowConfig(node, node, input.schema, true)
  const details = describeWindow(node, node, input.schema)
  const identity = windowIdentity(node, input.schema)
  const local: PhysicalNode = {
    title: 'LocalWindowAggregate',
    details,
    factory: SQL_OPERATORS.localWindowAggregate,
    config,
    identity: `local ${identity}`,
    schema: accumulatorSchema(config),
    parallelism: input.parallelism,
    inputs: [{ node: input, partitioning: { kind: 'forward' } }],
    updatedBy: null,
    bounded: input.bounded,
  }
  return {
    ...globalOf(node, local, context),
    details,
    config,
    identity: `global ${identity}`,
    inputs: [{ node: local, partitioning: hashOn(node.keys.map((_, i) => i)) }],
  }
}

function globalOf(
  node: WindowAggregateNode,
  input: PhysicalNode,
  context: PlannerContext,
): Omit<PhysicalNode, 'details' | 'config' | 'identity' | 'inputs'> {
  return {
    title: 'GlobalWindowAggregate',
    factory: SQL_OPERATORS.globalWindowAggregate,
    schema: node.schema,
    parallelism: node.keys.length === 0 ? 1 : defaultParallelism(context),
    updatedBy: null,
    bounded: input.bounded,
  }
}

function hashOn(keyColumns: readonly number[]) {
  return { kind: 'hash', keyColumns } as const
}

function planOnePhase(
  node: WindowAggregateNode,
  input: PhysicalNode,
  context: PlannerContext,
): PhysicalNode {
  const keyed = withKeyColumns(node, input)
  const { grouping, node: rows } = keyed
  return {
    ...globalOf(node, rows, context),
    title: 'WindowAggregate',
    details: describeWindow(node, grouping, rows.schema),
    config: windowConfig(node, grouping, rows.schema, false),
    identity: `window ${windowIdentity(node, input.schema)}`,
    inputs: [{ node: rows, partitioning: hashOn(keyed.keyColumns) }],
  }
}

export function planGroupAggregate(
  node: AggregateNode,
  input: PhysicalNode,
  context: PlannerContext,
): PhysicalNode {
  const keyed = withKeyColumns({ ...node, rowtime: null }, input)
  const { grouping, node: rows } = keyed
  const config: GroupAggregateConfig = {
    inputSchema: rows.schema,
    keys: grouping.keys,
    aggregates: grouping.aggregates,
    inputIsChangelog: input.updatedBy !== null,
    stateTtlMs: context.configuration.get(STATE_TTL),
    outputSchema: node.schema,
  }
  const names = rows.schema.fields.map((field) => field.name)
  const keys = grouping.keys.map((key) => formatExpression(key, names))
  const calls = grouping.aggregates.map((call) => describeCall(call, names))
  const select = [...keys, ...calls].join(', ')
  const details =
    keys.length > 0 ? `groupBy=[${keys.join(', ')}], select=[${select}]` : `select=[${select}]`
  // Groups without aggregates (DISTINCT) never change once they exist, unless their rows may go away.
  const insertOnly = node.aggregates.length === 0 && input.updatedBy === null
  return {
    title: 'GroupAggregate',
    details,
    factory: SQL_OPERATORS.groupAggregate,
    config,
    identity: `group ${JSON.stringify([keys, calls])}`,
    schema: node.schema,
    parallelism: node.keys.length === 0 ? 1 : defaultParallelism(context),
    inputs: [{ node: rows, partitioning: hashOn(keyed.keyColumns) }],
    updatedBy: insertOnly ? null : `GroupAggregate(${details})`,
    bounded: input.bounded,
  }
}

interface KeyedRows {
  readonly node: PhysicalNode
  readonly grouping: Grouping
  readonly keyColumns: readonly number[]
}

/** Rows in which every key is a column: an exchange hashes columns only. */
function withKeyColumns(grouping: Grouping, input: PhysicalNode): KeyedRows {
  const columns = grouping.keys.map((key) => (key.kind === 'column' ? key.index : -1))
  if (!columns.includes(-1)) return { node: input, grouping, keyColumns: columns }
  const read = [
    ...grouping.aggregates.flatMap(({ argument, filter }) => [argument, filter]),
    grouping.rowtime,
  ].filter((part) => part !== null)
  const kept = columnsUsed(read)
  const outputs: Expression[] = [
    ...grouping.keys,
    ...kept.map((index): Expression => {
      return { kind: 'column', index, type: input.schema.fields[index]!.type }
    }),
  ]
  const names = outputs.map((output, i) =>
    output.kind === 'column' ? input.schema.fields[output.index]!.name : `key$${i}`,
  )
  const keyCount = grouping.keys.length
  const move = (expression: Expression) =>
    remapColumns(expression, (index) => keyCount + kept.indexOf(index))
  const moveAny = (expression: Expression | null) => (expression === null ? null : move(expression))
  return {
    node: calcOver(input, null, outputs, schemaOf(names, outputs)),
    grouping: {
      keys: grouping.keys.map(({ type }, index) => ({ kind: 'column', index, type })),
      aggregates: grouping.aggregates.map((call) => ({
        ...call,
        argument: moveAny(call.argument),
        filter: moveAny(call.filter),
      })),
      rowtime: moveAny(grouping.rowtime),
    },
    keyColumns: grouping.keys.map((_, i) => i),
  }
}

function describeCall(call: AggregateCall, names: readonly string[]): string {
  const argument = call.argument === null ? '*' : formatExpression(call.argument, names)
  const distinct = call.distinct ? 'DISTINCT ' : ''
  const filter = call.filter === null ? '' : ` FILTER ${formatExpression(call.filter, names)}`
  return `${call.function}(${distinct}${argument})${filter}`
}

function describeSpec(window: WindowSpec, time: string): string {
  const ms = (value: number) => `${value} ms`
  const parts = [`time_col=[${time}]`, `size=[${ms(window.sizeMs)}]`]
  if (window.kind === 'hop') parts.push(`slide=[${ms(window.slideMs)}]`)
  if (window.offsetMs !== 0) parts.push(`offset=[${ms(window.offsetMs)}]`)
  return `${window.kind.toUpperCase()}(${parts.join(', ')})`
}

function describeWindow(node: WindowAggregateNode, grouping: Grouping, schema: Schema): string {
  const names = schema.fields.map((field) => field.name)
  const keys = grouping.keys.map((key) => formatExpression(key, names))
  const time = grouping.rowtime === null ? 'proctime' : formatExpression(grouping.rowtime, names)
  const calls = grouping.aggregates.map((call) => describeCall(call, names))
  const groupBy = keys.length > 0 ? `groupBy=[${keys.join(', ')}], ` : ''
  const select = [...keys, ...calls, ...node.properties].join(', ')
  return `${groupBy}window=[${describeSpec(node.window, time)}], select=[${select}]`
}

/** Keys, aggregates and window by name: what the state is made of. */
function windowIdentity(node: WindowAggregateNode, schema: Schema): string {
  const names = schema.fields.map((field) => field.name)
  return JSON.stringify([
    node.keys.map((key) => formatExpression(key, names)),
    node.aggregates.map((call) => describeCall(call, names)),
    node.window,
  ])
}
