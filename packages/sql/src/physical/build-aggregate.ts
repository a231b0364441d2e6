/**
 * Aggregates → operators with the exchange between them.
 *
 * Event-time windows and GROUP BY over insertions run in two phases: a local one fused to its
 * input, which sends one row a key (and slice), and a global one behind a hash exchange. Processing
 * time, ONE_PHASE, DISTINCT and changelogs send the rows themselves.
 */
import type { Schema } from '@millrace/core'
import { columnsUsed, type Expression, formatExpression, remapColumns } from '@millrace/expression'
import {
  type AggregateCall,
  accumulatorSchema,
  type GroupAggregateConfig,
  groupAccumulatorSchema,
  SQL_OPERATORS,
  supportsLocalGroups,
  supportsTwoPhase,
  type WindowAggregateConfig,
  type WindowSpec,
} from '@millrace/sql-operators'
import { notSupported } from '../error-codes.ts'
import { schemaOf } from '../logical/logical-context.ts'
import type { AggregateNode, WindowAggregateNode } from '../logical/logical-plan.ts'
import { AGG_PHASE_STRATEGY, RUNTIME_MODE, STATE_TTL } from '../sql-options.ts'
import { calcOver } from './build-calc.ts'
import {
  columnNames,
  describeCall,
  describeCallInput,
  describeCallOrigin,
  describeOrigin,
  type Lineage,
  ownColumns,
} from './lineage.ts'
import {
  defaultParallelism,
  exchangeByKey,
  forwardOf,
  type PhysicalContext,
} from './physical-context.ts'
import type { PhysicalInput, PhysicalNode } from './physical-plan.ts'
import {
  type Distribution,
  insertOnly,
  isRowtime,
  type Rowtime,
  traitsThrough,
  withoutRowtime,
} from './traits.ts'

type Grouping = Pick<WindowAggregateNode, 'keys' | 'aggregates' | 'rowtime'>

export function buildWindowAggregate(
  node: WindowAggregateNode,
  input: PhysicalNode,
  context: PhysicalContext,
): PhysicalNode {
  if (input.traits.changes !== 'insert') {
    throw notSupported(`A window over the updates of ${input.traits.by}`, null)
  }
  const twoPhase =
    context.configuration.get(AGG_PHASE_STRATEGY) !== 'ONE_PHASE' &&
    supportsTwoPhase(windowConfig(node, node, [], input.schema, true))
  return twoPhase ? windowInTwoPhases(node, input, context) : windowInOnePhase(node, input, context)
}

function windowConfig(
  node: WindowAggregateNode,
  grouping: Grouping,
  origins: readonly string[],
  inputSchema: Schema,
  twoPhase: boolean,
): WindowAggregateConfig {
  return {
    inputSchema,
    keys: grouping.keys,
    aggregates: withOrigins(grouping, origins),
    window: node.window,
    rowtime: grouping.rowtime,
    properties: node.properties,
    twoPhase,
    outputSchema: node.schema,
  }
}

function windowInTwoPhases(
  node: WindowAggregateNode,
  input: PhysicalNode,
  context: PhysicalContext,
): PhysicalNode {
  const config = windowConfig(node, node, originsOf(node, input), input.schema, true)
  const details = describeWindow(node, node, input.schema)
  const schema = accumulatorSchema(config)
  const local: PhysicalNode = {
    title: 'LocalWindowAggregate',
    details,
    factory: SQL_OPERATORS.localWindowAggregate,
    config,
    identity: null,
    lineage: ownColumns(columnNames(schema), schema),
    schema,
    parallelism: input.parallelism,
    inputs: [{ node: input, partitioning: forwardOf(input), updateBefore: 'not-needed' }],
    traits: insertOnly(
      withoutRowtime(input.traits),
      [],
      traitsThrough(input.traits, node.keys).distribution,
    ),
  }
  return {
    ...globalOf(node, local, context),
    details,
    config,
    ...windowState('global', node, input),
    inputs: [
      keyedInput(
        local,
        node.keys.map((_, i) => i),
        context,
      ),
    ],
  }
}

/** What each call reads, over the columns below. */
function originsOf(
  { aggregates }: Pick<Grouping, 'aggregates'>,
  { lineage }: PhysicalNode,
): string[] {
  return aggregates.map((call) => describeCallInput(call, lineage))
}

function withOrigins(
  { aggregates }: Pick<Grouping, 'aggregates'>,
  origins: readonly string[],
): AggregateCall[] {
  return aggregates.map((call, i) => {
    const origin = origins[i]
    return origin === undefined ? call : { ...call, origin }
  })
}

function contentOf(
  calls: readonly string[],
  { conditions }: Lineage,
): Pick<PhysicalNode, 'filter' | 'content'> {
  return { filter: JSON.stringify(conditions), content: JSON.stringify([...calls].sort()) }
}

function madeOfCalls(calls: readonly string[], { conditions }: Lineage): Record<string, string> {
  const rows = conditions.length === 0 ? 'all' : conditions.join(' AND ')
  return { aggregates: calls.length === 0 ? 'none' : calls.join(', '), rows }
}

function globalOf(
  node: WindowAggregateNode,
  input: PhysicalNode,
  context: PhysicalContext,
): Omit<PhysicalNode, 'details' | 'config' | 'identity' | 'lineage' | 'inputs'> {
  return {
    title: 'GlobalWindowAggregate',
    factory: SQL_OPERATORS.globalWindowAggregate,
    schema: node.schema,
    ...keyedParallelism(node.keys, context),
    chaining: 'head',
    traits: insertOnly(
      { bounded: input.traits.bounded, rowtime: windowRowtime(node, input) },
      windowKeys(node),
      byKeys(node.keys),
    ),
  }
}

/** `window_time`, where the window goes by event time. */
function windowRowtime(node: WindowAggregateNode, { traits }: PhysicalNode): Rowtime {
  const columns = node.schema.fields.flatMap(({ type }, i) => (isRowtime(type) ? [i] : []))
  return { ...traits.rowtime, columns: node.rowtime === null ? [] : columns }
}

/** One row a key and window, once a column tells the windows apart. */
function windowKeys(node: WindowAggregateNode): number[][] {
  const keyColumns = node.keys.map((_, i) => i)
  const firstProperty = node.keys.length + node.aggregates.length
  return node.properties.flatMap((property, i) =>
    property === 'proctime' ? [] : [[...keyColumns, firstProperty + i]],
  )
}

function keyedParallelism(
  keys: readonly Expression[],
  context: PhysicalContext,
): Pick<PhysicalNode, 'parallelism' | 'single'> {
  if (keys.length === 0) return { parallelism: 1, single: true }
  return { parallelism: defaultParallelism(context) }
}

/** How the rows of an aggregate lie, whose first columns are its keys. */
function byKeys(keys: readonly Expression[]): Distribution {
  return { kind: 'hash', keyColumns: keys.map((_, i) => i) }
}

function keyedInput(
  node: PhysicalNode,
  keyColumns: readonly number[],
  context: PhysicalContext,
): PhysicalInput {
  const parallelism = keyColumns.length === 0 ? 1 : defaultParallelism(context)
  return exchangeByKey(node, keyColumns, parallelism, 'needed')
}

function windowInOnePhase(
  node: WindowAggregateNode,
  input: PhysicalNode,
  context: PhysicalContext,
): PhysicalNode {
  const keyed = withKeyColumns(node, input)
  const { grouping, node: rows } = keyed
  return {
    ...globalOf(node, rows, context),
    title: 'WindowAggregate',
    details: describeWindow(node, grouping, rows.schema),
    config: windowConfig(node, grouping, originsOf(node, input), rows.schema, false),
    ...windowState('window', node, input),
    inputs: [keyedInput(rows, keyed.keyColumns, context)],
  }
}

export function buildGroupAggregate(
  node: AggregateNode,
  input: PhysicalNode,
  context: PhysicalContext,
): PhysicalNode {
  const wholeGroups: Grouping = { ...node, rowtime: null }
  const direct = withKeyColumns(wholeGroups, input)
  const twoPhase =
    context.configuration.get(AGG_PHASE_STRATEGY) !== 'ONE_PHASE' &&
    keyedInput(direct.node, direct.keyColumns, context).partitioning.kind !== 'forward' &&
    supportsLocalGroups(groupConfig(node, node, [], input, context, true))
  const keyed = twoPhase
    ? { node: input, grouping: wholeGroups, keyColumns: node.keys.map((_, i) => i) }
    : direct
  const { grouping, node: rows } = keyed
  const config = groupConfig(node, grouping, originsOf(node, input), rows, context, twoPhase)
  const { inputIsChangelog } = config
  const hint = node.stateTtl
  const details = [
    describeGroups(grouping, rows.schema),
    ...(hint === undefined
      ? []
      : [`stateTtlHints=[[[STATE_TTL options:{${hint.input}=${hint.text}}]]]`]),
  ].join(', ')
  const from = twoPhase ? localGroupsOf(config, rows, details) : rows
  const keyOrigins = node.keys.map((key) => describeOrigin(key, input.lineage))
  const callOrigins = node.aggregates.map((call) => describeCallOrigin(call, input.lineage))
  // Groups without aggregates (DISTINCT) never change once they exist, unless their
  // rows may go away.
  const updates = node.aggregates.length > 0 || inputIsChangelog
  return {
    title: twoPhase ? 'GlobalGroupAggregate' : 'GroupAggregate',
    details,
    factory: SQL_OPERATORS.groupAggregate,
    config,
    ...(updates ? { configWithoutUpdateBefore: { ...config, emitUpdateBefore: false } } : {}),
    identity: `group ${JSON.stringify(keyOrigins)}`,
    ...contentOf(callOrigins, input.lineage),
    madeOf: {
      keys: keyOrigins.join(', '),
      ...madeOfCalls(callOrigins, input.lineage),
    },
    lineage: ownColumns([...keyOrigins, ...callOrigins], node.schema),
    schema: node.schema,
    ...keyedParallelism(node.keys, context),
    chaining: 'head',
    inputs: [keyedInput(from, keyed.keyColumns, context)],
    traits: {
      changes: updates ? 'retract' : 'insert',
      deletes: inputIsChangelog,
      by: updates ? `GroupAggregate(${details})` : null,
      upsertKeys: [node.keys.map((_, i) => i)],
      distribution: byKeys(node.keys),
      ...withoutRowtime(input.traits),
    },
  }
}

function groupConfig(
  node: AggregateNode,
  grouping: Pick<Grouping, 'keys' | 'aggregates'>,
  origins: readonly string[],
  rows: PhysicalNode,
  context: PhysicalContext,
  twoPhase: boolean,
): GroupAggregateConfig {
  const batch = context.configuration.get(RUNTIME_MODE) === 'BATCH'
  return {
    inputSchema: rows.schema,
    keys: grouping.keys,
    aggregates: withOrigins(grouping, origins),
    inputIsChangelog: rows.traits.changes !== 'insert',
    emitUpdateBefore: true,
    // Nothing of what has an end is forgotten before it.
    stateTtlMs: batch ? 0 : (node.stateTtl?.ms ?? context.configuration.get(STATE_TTL)),
    twoPhase,
    ...(batch && grouping.keys.length === 0 ? { answersNoRows: true } : {}),
    outputSchema: node.schema,
  }
}

function describeGroups(grouping: Grouping, schema: Schema): string {
  const names = schema.fields.map((field) => field.name)
  const keys = grouping.keys.map((key) => formatExpression(key, names))
  const calls = grouping.aggregates.map((call) => describeCall(call, names))
  const select = [...keys, ...calls].join(', ')
  return keys.length > 0 ? `groupBy=[${keys.join(', ')}], select=[${select}]` : `select=[${select}]`
}

/** The first phase, fused to its input: one row a group now and then. */
function localGroupsOf(
  config: GroupAggregateConfig,
  input: PhysicalNode,
  details: string,
): PhysicalNode {
  const schema = groupAccumulatorSchema(config)
  return {
    title: 'LocalGroupAggregate',
    details,
    factory: SQL_OPERATORS.localGroupAggregate,
    config,
    identity: null,
    lineage: ownColumns(columnNames(schema), schema),
    schema,
    parallelism: input.parallelism,
    inputs: [{ node: input, partitioning: forwardOf(input), updateBefore: 'not-needed' }],
    traits: insertOnly(
      withoutRowtime(input.traits),
      [],
      traitsThrough(input.traits, config.keys).distribution,
    ),
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

/** Keys, aggregates, window and time over what lies below: what the state is made of. */
function windowState(
  phase: 'global' | 'window',
  node: WindowAggregateNode,
  { lineage }: PhysicalNode,
): Pick<PhysicalNode, 'identity' | 'filter' | 'content' | 'madeOf' | 'lineage'> {
  const keys = node.keys.map((key) => describeOrigin(key, lineage))
  const calls = node.aggregates.map((call) => describeCallOrigin(call, lineage))
  const time = node.rowtime === null ? null : describeOrigin(node.rowtime, lineage)
  // A slice of TUMBLE is its window: both ways of computing it keep the same.
  const kept = node.window.kind === 'tumble' ? 'window' : phase
  return {
    identity: `${kept} ${JSON.stringify([keys, node.window, time])}`,
    ...contentOf(calls, lineage),
    madeOf: {
      keys: keys.join(', '),
      window: describeSpec(node.window, time ?? 'proctime'),
      ...madeOfCalls(calls, lineage),
    },
    lineage: ownColumns([...keys, ...calls, ...node.properties], node.schema),
  }
}
