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
    const known = ways(call, stored.size).find((way) => goesOn(way, stored))
    if (known !== undefined) return known
    for (let since = 0; ; since++) {
      const late = since === 0 ? plain(call) : { ...plain(call), since }
      if (!isFresh(late, stored)) continue
      begun.push(late)
      return late
    }
  })
  return { calls: all, begun }
}

/** How it may go on with what is stored, the simplest way first. */
function ways(call: AggregateCall, sinceMax: number): AggregateCall[] {
  const bare = plain(call)
  const marked = Array.from({ length: sinceMax + 1 }, (_, since) => ({ ...bare, since }))
  return [bare, { ...bare, countedRows: true }, ...marked]
}

function plain(call: AggregateCall): AggregateCall {
  const { since: _, countedRows: __, ...rest } = call
  return rest
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

function goesOn(call: AggregateCall, stored: ReadonlySet<string>): boolean {
  const words = wordsOf(call)
  if (!words.every((word) => isStored(word, stored))) return false
  const isCounted = stored.has(`COUNT(${call.origin})`)
  // What it reads was NULL now and then, which the number of rows counts too.
  if (readsAllRows(call)) return call.origin === '*' || !isCounted
  // Of a count alone nobody knows whether it was that of all rows.
  return call.countedRows !== true || (words.length > 1 && !isCounted)
}

/** It takes the number of rows for that of its argument, which is never NULL. */
function readsAllRows(call: AggregateCall): boolean {
  return planAccumulators([call]).results[0]?.countWord === 0
}

function isFresh(call: AggregateCall, stored: ReadonlySet<string>): boolean {
  const sharesRows = readsAllRows(call) && call.function !== 'COUNT'
  return !sharesRows && !wordsOf(call).some((word) => isStored(word, stored))
}
