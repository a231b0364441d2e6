/**
 * Which operator takes over which stored state, by their ids alone. Pure.
 *
 * First the operators that are as they were. Then those of which only the rows changed that go in
 * (a filter was edited), then those of which only what is kept of them did (an aggregate was added
 * or removed), then those of which both did: each when one is left of a kind, and one state. Where
 * there are several, nobody can say which is whose, and none is given away.
 */
import { operatorContent, operatorFilter, operatorIdentity } from '@millrace/core'

/** What has to agree, closest first. */
const KINDS: readonly ((id: string) => string)[] = [
  (id) => id,
  (id) => `${operatorIdentity(id)} ${operatorContent(id)}`,
  (id) => `${operatorIdentity(id)} ${operatorFilter(id)}`,
  operatorIdentity,
]

/** Id under which state is stored → id of the operator that takes it; without one it is absent. */
export function claimState(
  stored: readonly string[],
  operators: readonly string[],
): ReadonlyMap<string, string> {
  const claims = new Map<string, string>()
  for (const kindOf of KINDS) {
    const taken = new Set(claims.values())
    const left = groups(
      stored.filter((id) => !claims.has(id)),
      kindOf,
    )
    const free = groups(
      operators.filter((id) => !taken.has(id)),
      kindOf,
    )
    for (const [kind, [id, ...more]] of left) {
      const [claimant, ...others] = free.get(kind) ?? []
      if (id === undefined || claimant === undefined) continue
      if (more.length + others.length === 0) claims.set(id, claimant)
    }
  }
  return claims
}

function groups(
  ids: readonly string[],
  kindOf: (id: string) => string,
): ReadonlyMap<string, readonly string[]> {
  return Map.groupBy(new Set(ids), kindOf)
}
