/**
 * What a job would start from, operator by operator, before anything of it runs: which take over
 * stored state, as it is or with which changes, which begin with none, which state nobody takes and
 * why. Pure; `reassignState` then does what this says.
 */
import {
  type Field,
  operatorContent,
  operatorFilter,
  operatorIdentity,
  type StateTableSpec,
  type TableNamedId,
} from '@millrace/core'
import type { CheckpointManifest, OperatorManifest } from '../checkpoint/checkpoint-manifest.ts'
import { layoutOf } from '../table/table-layout.ts'
import { claimsOf, tableNamedId } from './claim-state.ts'
import { describe, matchTables, sideBySide } from './match-tables.ts'

export interface PlannedOperator {
  readonly id: string
  readonly name: string
}

export interface RestoredOperator extends PlannedOperator {
  /** The name under which its state was stored. */
  readonly from: string
  /** Its state goes on although its filter is another now. */
  readonly isFilterChanged: boolean
  /** A line each: what of its state begins empty, is dropped, becomes wider. */
  readonly changes: readonly string[]
  /** What keeps it from that; null: nothing. */
  readonly refusal: string | null
  /** Its keys have other hashes now, so its rows lie elsewhere. */
  readonly isRekeyed: boolean
  /** Columns of its tables that are stored, by table; null: a checkpoint that does not say. */
  readonly columns: Readonly<Record<string, readonly string[]>> | null
}

export interface RestorePlan {
  readonly restored: readonly RestoredOperator[]
  /** Of the operators that keep state. */
  readonly empty: readonly PlannedOperator[]
  readonly unclaimed: readonly (PlannedOperator & { readonly why: string })[]
}

/** An operator of the job that restores; an `OperatorDescriptor` is one. */
export interface PlanningOperator extends PlannedOperator {
  readonly stateful?: boolean
  readonly states?: readonly StateTableSpec[]
  readonly madeOf?: Readonly<Record<string, string>>
  readonly byTableName?: TableNamedId
}

export interface PlanningVertex {
  readonly operators: readonly PlanningOperator[]
}

/** Those that have state; the others are named in the manifest only. */
export function storedOperators({ operators }: CheckpointManifest): OperatorManifest[] {
  return operators.filter(({ subtasks }) =>
    subtasks.some((handles) => handles !== null && handles.parts.length > 0),
  )
}

export function planRestore(
  manifest: CheckpointManifest,
  vertices: readonly PlanningVertex[],
): RestorePlan {
  const operators = vertices.flatMap((vertex) => vertex.operators)
  const operatorOf = new Map(operators.map((operator) => [operator.id, operator]))
  const stored = storedOperators(manifest)
  const claims = claimsOf(manifest, operators)
  const takers = new Set(claims.values())
  const free = operators.filter(({ id }) => !takers.has(id))
  return {
    restored: stored.flatMap((state) => {
      const taker = operatorOf.get(claims.get(state.operatorId) ?? '')
      return taker === undefined ? [] : [restoredOperator(state, taker)]
    }),
    empty: free.flatMap(({ id, name, stateful }) => (stateful === true ? [{ id, name }] : [])),
    unclaimed: stored.flatMap((state) => {
      const { operatorId: id, operatorName: name } = state
      return claims.has(id) ? [] : [{ id, name, why: whyUnclaimed(state, free) }]
    }),
  }
}

function restoredOperator(state: OperatorManifest, taker: PlanningOperator): RestoredOperator {
  const { id, name, states } = taker
  const { operatorId, operatorName: from, tables } = state
  const asNow = operatorIdentity(id) === operatorIdentity(operatorId)
  // The ids by which they found each other.
  const now = asNow ? id : tableNamedId(taker)
  const before = asNow ? operatorId : tableNamedId({ id: operatorId, ...named(state.byTableName) })
  const matched = states === undefined || tables === undefined ? null : changesOf(tables, states)
  return {
    ...{ id, name, from },
    isFilterChanged: operatorFilter(now) !== operatorFilter(before),
    changes:
      typeof matched === 'string' ? [] : (matched?.lines ?? contentChanged(taker, now, before)),
    refusal: typeof matched === 'string' ? matched : null,
    isRekeyed: typeof matched === 'object' && matched?.isRekeyed === true,
    columns:
      tables === undefined
        ? null
        : Object.fromEntries(
            tables.map(({ name, value }) => [name, value.fields.map((field) => field.name)]),
          ),
  }
}

function named(byTableName: TableNamedId | undefined): { readonly byTableName?: TableNamedId } {
  return byTableName === undefined ? {} : { byTableName }
}

/** A checkpoint that does not name its columns: more is known when the job reads it. */
function contentChanged({ states }: PlanningOperator, now: string, stored: string): string[] {
  if (operatorContent(now) === operatorContent(stored)) return []
  return states === undefined ? [] : ['its aggregates are others now']
}

interface StateChanges {
  /** For people. */
  readonly lines: readonly string[]
  readonly isRekeyed: boolean
}

/** A text: why they cannot be taken over, with the schemas of the first that cannot. */
function changesOf(
  stored: readonly StateTableSpec[],
  now: readonly StateTableSpec[],
): StateChanges | string {
  const changes: string[] = []
  let isRekeyed = false
  const storedNames = new Set(stored.map(({ name }) => name))
  const byName = new Map(now.map((spec) => [spec.name, spec]))
  for (const before of stored) {
    const spec = byName.get(before.name)
    if (spec === undefined) {
      changes.push(`drops ${before.name}`)
      continue
    }
    const schema = layoutOf(before).schema
    const layout = layoutOf(spec)
    const match = matchTables(schema, layout)
    if (typeof match === 'string') {
      return [`${match}, in table '${spec.name}':`, ...sideBySide(schema, layout.schema)].join('\n')
    }
    for (const field of match.added) changes.push(`${field.name} begins empty`)
    for (const field of match.removed) changes.push(`drops ${field.name}`)
    for (const { before: narrow, now: wide } of match.widened) {
      changes.push(`${describe(narrow)} becomes ${describe(wide)}`)
    }
    for (const c of match.neverNull) {
      changes.push(`refuses a NULL in ${describe(layout.schema.fields[c] as Field)}`)
    }
    isRekeyed ||= match.isRekeyed
  }
  for (const { name } of now) if (!storedNames.has(name)) changes.push(`${name} begins empty`)
  return { lines: changes, isRekeyed }
}

/** One that is made of the same parts, or of some: a source has none that a window has. */
function mostAlike(
  madeOf: PlanningOperator['madeOf'] = {},
  free: readonly PlanningOperator[],
): PlanningOperator | undefined {
  const parts = Object.keys(madeOf)
  const shared = (other: PlanningOperator) =>
    parts.filter((part) => other.madeOf?.[part] !== undefined).length
  const alike = free.filter((each) => shared(each) > 0)
  return alike.find((each) => shared(each) === parts.length) ?? alike[0]
}

function whyUnclaimed(state: OperatorManifest, free: readonly PlanningOperator[]): string {
  const { operatorId: id, madeOf } = state
  const alike = free.filter((other) => operatorIdentity(other.id) === operatorIdentity(id))
  if (alike.length > 0) {
    return 'more than one differs from another in its filter, aggregates or source table alone, so nobody can say whose it is'
  }
  const none = 'the job has no operator that makes such state of the same inputs'
  const other = mostAlike(madeOf, free)
  if (other === undefined) return none
  const parts = new Set([...Object.keys(madeOf ?? {}), ...Object.keys(other.madeOf ?? {})])
  const differences = [...parts].flatMap((part) => {
    const [before, now] = [madeOf?.[part] ?? 'none', other.madeOf?.[part] ?? 'none']
    return before === now ? [] : [`${part}: ${before || 'none'} → ${now || 'none'}`]
  })
  const [before] = state.tables ?? []
  const [now] = other.states ?? []
  return [
    `${none}; '${other.name}' is made otherwise (${differences.join('; ') || 'of other inputs'}):`,
    ...sideBySide(before ? layoutOf(before).schema : null, now ? layoutOf(now).schema : null),
  ].join('\n')
}
