/**
 * Who restores what: the state of a checkpoint dealt out to subtasks of perhaps another
 * parallelism. Pure.
 *
 * Keyed state goes by key group, list items round robin over all items in order of their writers,
 * union states to everyone. At unchanged parallelism every subtask gets its own list items back.
 * Where keys became wider everyone reads all keyed state, once, and takes what is its own now.
 */

import {
  type KeyGroupRange,
  keyGroupRangeOf,
  type ListShare,
  type OperatorStateHandles,
  type StatePart,
} from '@millrace/core'
import type { CheckpointManifest, OperatorManifest } from '../checkpoint/checkpoint-manifest.ts'
import { stateError } from '../error-codes.ts'
import { IGNORE_UNCLAIMED_STATE } from '../state-options.ts'
import { claimsOf } from './claim-state.ts'
import { type PlanningOperator, planRestore, storedOperators } from './plan-restore.ts'

/** A vertex of the job that restores; a `JobVertex` is one. */
export interface RestoringVertex {
  readonly name: string
  readonly parallelism: number
  readonly maxParallelism: number
  readonly operators: readonly PlanningOperator[]
}

/**
 * Operator id → one entry a new subtask (null: nothing for it). Operators without state in the
 * checkpoint are absent.
 */
export type ReassignedState = ReadonlyMap<string, readonly (OperatorStateHandles | null)[]>

/** Throws STATE_MAX_PARALLELISM_MISMATCH, STATE_UNCLAIMED, STATE_SCHEMA_MISMATCH. */
export function reassignState(
  manifest: CheckpointManifest,
  vertices: readonly RestoringVertex[],
  options: { readonly ignoreUnclaimedState: boolean },
): ReassignedState {
  const vertexOf = new Map<string, RestoringVertex>()
  for (const vertex of vertices) for (const { id } of vertex.operators) vertexOf.set(id, vertex)
  const stored = storedOperators(manifest)
  const claims = claimsOf(
    manifest,
    vertices.flatMap(({ operators }) => operators),
  )
  const rekeyed = refuseMismatch(manifest, vertices)
  const reassigned = new Map<string, readonly (OperatorStateHandles | null)[]>()
  for (const operator of stored) {
    const claimant = claims.get(operator.operatorId)
    const vertex = claimant === undefined ? undefined : vertexOf.get(claimant)
    if (claimant !== undefined && vertex !== undefined) {
      reassigned.set(claimant, reassignOperator(operator, vertex, rekeyed.has(claimant)))
    } else if (!options.ignoreUnclaimedState) throw unclaimed(manifest, operator, vertices)
  }
  return reassigned
}

function reassignOperator(
  operator: OperatorManifest,
  vertex: RestoringVertex,
  isRekeyed: boolean,
): (OperatorStateHandles | null)[] {
  const parts = operator.subtasks.flatMap((handles, subtask) =>
    (handles?.parts ?? []).map((part) => ({ part, subtask })),
  )
  const keyed = parts.some(({ part }) => part.keyGroups !== null)
  if (keyed && operator.maxParallelism !== vertex.maxParallelism) {
    throw stateError(
      'STATE_MAX_PARALLELISM_MISMATCH',
      `Keep max parallelism ${operator.maxParallelism} for '${operator.operatorName}', ` +
        `with which its state was written; it is ${vertex.maxParallelism}.`,
      {
        hint: `Set 'pipeline.max-parallelism' to ${operator.maxParallelism}.`,
        location: { operator: operator.operatorName, optionKey: 'pipeline.max-parallelism' },
      },
    )
  }
  const { parallelism } = vertex
  const sameParallelism = operator.parallelism === parallelism
  const firstItems = sameParallelism ? null : numberItems(parts.map(({ part }) => part))
  const result: (OperatorStateHandles | null)[] = []
  for (let subtask = 0; subtask < parallelism; subtask++) {
    const range = keyed ? readRange(subtask, vertex, isRekeyed) : null
    const own: StatePart[] = []
    for (let p = 0; p < parts.length; p++) {
      const { part, subtask: writer } = parts[p]
      const lists =
        firstItems !== null
          ? dealItems(part.lists, firstItems[p], subtask, parallelism)
          : writer === subtask
            ? part.lists
            : {}
      const keyGroups = range === null ? null : overlap(part.keyGroups, range)
      if (keyGroups === null && Object.keys(lists).length === 0 && part.unions.length === 0)
        continue
      own.push({ handle: part.handle, keyGroups, lists, unions: part.unions })
    }
    const among = isRekeyed ? { rekeyedAmong: vertex.maxParallelism } : {}
    result.push(own.length === 0 ? null : { parts: own, ...among })
  }
  return result
}

function readRange(
  subtask: number,
  { parallelism, maxParallelism }: RestoringVertex,
  isRekeyed: boolean,
): KeyGroupRange {
  if (isRekeyed) return { start: 0, end: maxParallelism - 1 }
  return keyGroupRangeOf(subtask, parallelism, maxParallelism)
}

/** For each part and list the number of its first item, counting over all parts. */
function numberItems(parts: readonly StatePart[]): Readonly<Record<string, number>>[] {
  const next = new Map<string, number>()
  return parts.map((part) => {
    const first: Record<string, number> = {}
    for (const [name, { count }] of Object.entries(part.lists)) {
      first[name] = next.get(name) ?? 0
      next.set(name, first[name] + count)
    }
    return first
  })
}

/** Item number n belongs to subtask `n % parallelism`. */
function dealItems(
  lists: Readonly<Record<string, ListShare>>,
  first: Readonly<Record<string, number>>,
  subtask: number,
  parallelism: number,
): Record<string, ListShare> {
  const shares: Record<string, ListShare> = {}
  for (const [name, { count }] of Object.entries(lists)) {
    const offset = (((subtask - first[name]) % parallelism) + parallelism) % parallelism
    if (offset < count) shares[name] = { count, offset, stride: parallelism }
  }
  return shares
}

function overlap(written: KeyGroupRange | null, wanted: KeyGroupRange): KeyGroupRange | null {
  if (written === null) return null
  const start = Math.max(written.start, wanted.start)
  const end = Math.min(written.end, wanted.end)
  return start <= end ? { start, end } : null
}

/** Gives the operators whose rows lie elsewhere now. */
function refuseMismatch(
  manifest: CheckpointManifest,
  vertices: readonly RestoringVertex[],
): ReadonlySet<string> {
  const rekeyed = new Set<string>()
  for (const { id, name, from, refusal, isRekeyed } of planRestore(manifest, vertices).restored) {
    if (isRekeyed) rekeyed.add(id)
    if (refusal === null) continue
    throw stateError(
      'STATE_SCHEMA_MISMATCH',
      `Keep the state of '${name}' as '${from}' stored it in ${titleOf(manifest)}: ${refusal}`,
      {
        hint: 'Restore the query that wrote it, start without that state, or give the changed part another name.',
        location: { operator: name },
      },
    )
  }
  return rekeyed
}

function titleOf({ savepoint, checkpointId, jobId }: CheckpointManifest): string {
  return `${savepoint === undefined ? 'checkpoint' : 'savepoint'} ${checkpointId} of job ${jobId}`
}

/** Names the first; the reasons of all stand together. */
function unclaimed(
  manifest: CheckpointManifest,
  operator: OperatorManifest,
  vertices: readonly RestoringVertex[],
): Error {
  const plan = planRestore(manifest, vertices)
  const reasons = plan.unclaimed.map(({ name, why }) => `'${name}': ${why}`).join('\n')
  const what = manifest.savepoint === undefined ? 'Checkpoint' : 'Savepoint'
  return stateError(
    'STATE_UNCLAIMED',
    `${what} ${manifest.checkpointId} of job ${manifest.jobId} has state of operator ` +
      `'${operator.operatorName}' (${operator.operatorId}), which the job does not have (${reasons}).`,
    {
      hint: `Restore the query that wrote it, or drop that state with '${IGNORE_UNCLAIMED_STATE.key}' = 'true'.`,
      location: { operator: operator.operatorName, optionKey: IGNORE_UNCLAIMED_STATE.key },
    },
  )
}
