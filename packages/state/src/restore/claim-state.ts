/**
 * Which operator takes over which stored state, by their ids alone. Pure.
 *
 * First the operators that are as they were. Then those of which only the rows changed that go in
 * (a filter was edited), then those of which only what is kept of them did (an aggregate was added
 * or removed, a source's table has another name), then those of which both did: each when one is
 * left of a kind, and one state. Where there are several, nobody can say which is whose, and none
 * is given away. What is left then is claimed in the same way by the ids that go by the names of
 * source tables: state that an earlier build stored, and a table that reads some of what it read.
 */
import {
  operatorContent,
  operatorFilter,
  operatorIdentity,
  type TableNamedId,
} from '@millrace/core'
import type { CheckpointManifest } from '../checkpoint/checkpoint-manifest.ts'

/** What an operator's state is known by. */
export interface StateName {
  readonly id: string
  readonly byTableName?: TableNamedId
}

/** What has to agree, closest first. */
const KINDS: readonly ((id: string) => string)[] = [
  (id) => id,
  (id) => `${operatorIdentity(id)} ${operatorContent(id)}`,
  (id) => `${operatorIdentity(id)} ${operatorFilter(id)}`,
  operatorIdentity,
]
const WAYS: readonly ((name: StateName) => string)[] = [({ id }) => id, tableNamedId]

/** Id under which state is stored → id of the operator that takes it; without one it is absent. */
export function claimState(
  stored: readonly StateName[],
  operators: readonly StateName[],
): ReadonlyMap<string, string> {
  const claims = new Map<string, string>()
  for (const idOf of WAYS) {
    for (const kindOf of KINDS) {
      const taken = new Set(claims.values())
      const group = (names: readonly StateName[]) => groups(names, (name) => kindOf(idOf(name)))
      const left = group(stored.filter(({ id }) => !claims.has(id)))
      const free = group(operators.filter(({ id }) => !taken.has(id)))
      for (const [kind, [state, ...more]] of left) {
        const [claimant, ...others] = free.get(kind) ?? []
        if (state === undefined || claimant === undefined) continue
        if (more.length + others.length > 0) continue
        if (idOf === tableNamedId && !readsAlike(state, claimant)) continue
        claims.set(state.id, claimant.id)
      }
    }
  }
  return claims
}

/** Of every operator that the checkpoint names. */
export function claimsOf(
  { operators: stored }: CheckpointManifest,
  operators: readonly StateName[],
): ReadonlyMap<string, string> {
  return claimState(
    stored.map(({ operatorId: id, byTableName }) => ({
      id,
      ...(byTableName === undefined ? {} : { byTableName }),
    })),
    operators,
  )
}

/** An earlier build stored under no other. */
export function tableNamedId({ id, byTableName }: StateName): string {
  return byTableName?.id ?? id
}

/** What an earlier build stored does not say what it is of. */
function readsAlike({ byTableName: stored }: StateName, { byTableName: now }: StateName): boolean {
  if (stored === undefined || now === undefined) return true
  const reads = new Set(now.reads)
  return stored.reads.length + reads.size === 0 || stored.reads.some((each) => reads.has(each))
}

function groups(
  names: readonly StateName[],
  kindOf: (name: StateName) => string,
): ReadonlyMap<string, readonly StateName[]> {
  const byId = new Map(names.map((name) => [name.id, name]))
  return Map.groupBy(byId.values(), kindOf)
}
