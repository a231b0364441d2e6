/**
 * Aggregates that join groups which have state already.
 *
 * One of whose words all are stored goes on with them. Any other sees the rows from now on, and
 * must not share a count with those that have seen more: an AVG would divide the sum of few rows by
 * the number of all. So it gets words of its own (`AggregateCall.since`), under names of their own,
 * by which a later restore finds them again. Pure.
 */
import type { AggregateCall } from '../../operator-config.ts'
import { planAccumulators } from './accumulator-plan.ts'
import { formerNames, wordFields } from './accumulator-schema.ts'

export interface LateCalls {
  readonly calls: readonly AggregateCall[]
  /** Those that see only rows from now on. */
  readonly begun: readonly AggregateCall[]
}

/** `stored`: names of the columns of the groups' state. */
export function beginLater(
  calls: readonly AggregateCall[],
  stored: ReadonlySet<string>,
): LateCalls {
  const begun: AggregateCall[] = []
  const all = calls.map((call) => {
    if (call.origin === undefined) return call
    for (let since = 0; since <= stored.size; since++) {
      const late = withSince(call, since)
      if (wordsOf(late).every((word) => isStored(word, stored))) return late
    }
    for (let since = 0; ; since++) {
      const late = withSince(call, since)
      if (!isFresh(late, stored)) continue
      begun.push(late)
      return late
    }
  })
  return { calls: all, begun }
}

function withSince(call: AggregateCall, since: number): AggregateCall {
  const { since: _, ...rest } = call
  return since === 0 ? rest : { ...rest, since }
}

interface Word {
  readonly name: string
  readonly former: string | undefined
}

/** What the call reads beside the number of rows, which every group has. */
function wordsOf(call: AggregateCall): Word[] {
  const plan = planAccumulators([call])
  const former = formerNames(plan)
  const [, ...own] = wordFields(plan)
  return own.map(({ name }) => ({ name, former: former[name] }))
}

function isStored({ name, former }: Word, stored: ReadonlySet<string>): boolean {
  return stored.has(name) || (former !== undefined && stored.has(former))
}

function isFresh(call: AggregateCall, stored: ReadonlySet<string>): boolean {
  const [result] = planAccumulators([call]).results
  const countsAllRows = result?.countWord === 0 && call.function !== 'COUNT'
  return !countsAllRows && !wordsOf(call).some((word) => isStored(word, stored))
}
