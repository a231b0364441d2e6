/**
 * Which operator takes over which stored state, by their ids alone. Pure.
 *
 * First the operators that are as they were. Then those of which only the rows changed that go in
 * (a filter was edited): when one is left of an identity, and one state. Where there are several,
 * nobody can say which is whose, and none is given away.
 */
import { operatorIdentity } from '@millrace/core'

/** Id under which state is stored → id of the operator that takes it; without one it is absent. */
export function claimState(
  stored: readonly string[],
  operators: readonly string[],
): ReadonlyMap<string, string> {
  const claims = new Map<string, string>()
  const wanted = new Set(operators)
  for (const id of stored) if (wanted.has(id)) claims.set(id, id)
  const free = operators.filter((id) => !claims.has(id))
  const left = stored.filter((id) => !claims.has(id))
  for (const id of left) {
    const [claimant, ...others] = sameIdentity(free, id)
    if (claimant === undefined || others.length > 0) continue
    if (sameIdentity(left, id).length === 1) claims.set(id, claimant)
  }
  return claims
}

function sameIdentity(ids: readonly string[], id: string): string[] {
  const identity = operatorIdentity(id)
  return ids.filter((other) => operatorIdentity(other) === identity)
}
