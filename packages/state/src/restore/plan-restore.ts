/**
 * What a job would start from, operator by operator, before anything of it runs: which take over
 * stored state, which begin with none, which state nobody takes and why. Pure; `reassignState`
 * then does what this says.
 */
import { operatorIdentity } from '@millrace/core'
import type { CheckpointManifest, OperatorManifest } from '../checkpoint/checkpoint-manifest.ts'
import { claimState } from './claim-state.ts'

export interface PlannedOperator {
  readonly id: string
  readonly name: string
}

export interface RestorePlan {
  /** `from`: the name under which its state was stored. */
  readonly restored: readonly (PlannedOperator & {
    readonly from: string
    /** Its state goes on although its filter is another now. */
    readonly isFilterChanged: boolean
  })[]
  /** Of the operators that keep state. */
  readonly empty: readonly PlannedOperator[]
  readonly unclaimed: readonly (PlannedOperator & { readonly why: string })[]
}

export interface PlanningVertex {
  readonly operators: readonly {
    readonly id: string
    readonly name: string
    readonly stateful?: boolean
  }[]
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
  const nameOf = new Map(operators.map(({ id, name }) => [id, name]))
  const stored = storedOperators(manifest)
  const claims = claimState(
    stored.map(({ operatorId }) => operatorId),
    [...nameOf.keys()],
  )
  const takers = new Set(claims.values())
  const free = operators.filter(({ id }) => !takers.has(id))
  return {
    restored: stored.flatMap(({ operatorId, operatorName: from }) => {
      const id = claims.get(operatorId)
      if (id === undefined) return []
      const name = nameOf.get(id) as string
      return [{ id, name, from, isFilterChanged: id !== operatorId }]
    }),
    empty: free.flatMap(({ id, name, stateful }) => (stateful === true ? [{ id, name }] : [])),
    unclaimed: stored.flatMap(({ operatorId: id, operatorName: name }) =>
      claims.has(id) ? [] : [{ id, name, why: whyUnclaimed(id, free) }],
    ),
  }
}

function whyUnclaimed(id: string, free: readonly { readonly id: string }[]): string {
  const alike = free.filter((other) => operatorIdentity(other.id) === operatorIdentity(id)).length
  return alike === 0
    ? 'the job has no operator that makes such state of the same inputs'
    : 'more than one differs from another in its filter alone, so nobody can say whose it is'
}
