/**
 * Metrics as REST answers them: the names alone, the values of those asked for, or aggregates of
 * them over several of a kind (subtasks, jobs, TaskManagers).
 */
import type { MetricsAnswer } from '@millrace/rest-api'
import { invalidRequest } from './operation-requests.ts'

export type MetricValues = ReadonlyMap<string, number | string>

const AGGREGATIONS = ['min', 'max', 'avg', 'sum', 'skew'] as const
type Aggregation = (typeof AGGREGATIONS)[number]

/** Without `get` the names; else the values, as texts, of those that there are. */
export function plainMetrics(values: MetricValues, get: string | undefined): MetricsAnswer {
  if (get === undefined) return [...values.keys()].map((id) => ({ id }))
  return get.split(',').flatMap((id) => {
    const value = values.get(id)
    return value === undefined ? [] : [{ id, value: String(value) }]
  })
}

/**
 * Without `get` the names of all; else aggregates of those asked for: those that `agg` names, or
 * all. Throws REST_REQUEST_INVALID.
 */
export function aggregatedMetrics(
  maps: readonly MetricValues[],
  query: { readonly get?: string | undefined; readonly agg?: string | undefined },
): MetricsAnswer {
  const wanted = aggregationsOf(query.agg)
  if (query.get === undefined) {
    return [...new Set(maps.flatMap((map) => [...map.keys()]))].map((id) => ({ id }))
  }
  return query.get.split(',').flatMap((id) => {
    const values = maps
      .map((map) => map.get(id))
      .filter((value) => typeof value === 'number' && !Number.isNaN(value)) as number[]
    if (values.length === 0) return []
    const all = aggregate(values)
    return [{ id, ...Object.fromEntries(wanted.map((name) => [name, all[name]])) }]
  })
}

function aggregationsOf(agg: string | undefined): readonly Aggregation[] {
  if (agg === undefined || agg === '') return AGGREGATIONS
  return agg.split(',').map((given) => {
    const found = AGGREGATIONS.find((name) => name === given.toLowerCase())
    if (found !== undefined) return found
    throw invalidRequest(`Set 'agg' to some of ${AGGREGATIONS.join(', ')}; it has '${given}'`)
  })
}

/** `skew`: the mean distance from the mean, as percent of the mean. */
function aggregate(values: readonly number[]): Record<Aggregation, number> {
  const sum = values.reduce((total, value) => total + value, 0)
  const avg = sum / values.length
  const distance = values.reduce((total, value) => total + Math.abs(value - avg), 0)
  return {
    min: Math.min(...values),
    max: Math.max(...values),
    avg,
    sum,
    skew: avg === 0 ? 0 : (distance / values.length / avg) * 100,
  }
}

/**
 * Which numbers `0,2-4` names; null without it: all. What cannot be read names none, as with the
 * reference.
 */
export function rangesOf(text: string | undefined): ((index: number) => boolean) | null {
  if (text === undefined || text === '') return null
  const ranges = text.split(',').map((part) => {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? []
    return from === undefined ? null : ([Number(from), Number(to ?? from)] as const)
  })
  return (index) => ranges.some((range) => range !== null && range[0] <= index && index <= range[1])
}
