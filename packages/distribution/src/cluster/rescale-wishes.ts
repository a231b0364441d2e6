/**
 * What `millrace rescale` is asked for, as bounds of parallelism: `N` for every vertex that can
 * have as many, `VERTEX=N` for one. Pure.
 */
import { cliError } from '@millrace/cli'
import { nearestName } from '@millrace/core'
import type { JobDetail, JobRequirements, JobVertexSummary } from '@millrace/rest-api'

export interface Wish {
  /** Null: all of them. */
  readonly vertex: string | null
  readonly parallelism: number
}

/** Throws ARGUMENT_INVALID. */
export function wishOf(text: string): Wish {
  const equals = text.lastIndexOf('=')
  const number = text.slice(equals + 1)
  if (!/^\d+$/.test(number) || Number(number) < 1) {
    throw cliError(
      'ARGUMENT_INVALID',
      `Give a parallelism of 1 or more, as N or VERTEX=N; it is '${text}'.`,
    )
  }
  return { vertex: equals < 0 ? null : text.slice(0, equals), parallelism: Number(number) }
}

/** The requirements that the job has, with the wishes. Throws ARGUMENT_INVALID. */
export function requirementsWith(
  present: JobRequirements,
  { vertices }: JobDetail,
  wishes: readonly Wish[],
): JobRequirements {
  const changed = new Map(Object.entries(present))
  for (const { vertex, parallelism } of wishes) {
    const meant = vertex === null ? vertices.filter(isScalable) : [find(vertices, vertex)]
    for (const { id } of meant) {
      const lower = present[id]?.parallelism.lowerBound ?? 1
      const bounds = { lowerBound: Math.min(lower, parallelism), upperBound: parallelism }
      changed.set(id, { parallelism: bounds })
    }
  }
  return Object.fromEntries(changed)
}

function isScalable({ single }: JobVertexSummary): boolean {
  return !single
}

/** By its id, the beginning of it, or its name. */
function find(vertices: readonly JobVertexSummary[], wanted: string): JobVertexSummary {
  const found = vertices.filter(({ id, name }) => name === wanted || id.startsWith(wanted))
  if (found.length === 1 && wanted !== '') return found[0] as JobVertexSummary
  const nearest = nearestName(
    wanted,
    vertices.map(({ name }) => name),
  )
  const known = vertices.map(({ id, name }) => `${id} (${name})`).join(', ')
  throw cliError('ARGUMENT_INVALID', `The job has ${found.length} vertices '${wanted}'.`, {
    hint: `${nearest === undefined ? '' : `Did you mean '${nearest}'? `}It has ${known}.`,
  })
}

/** Whether it runs as required. */
export function isReached({ state, vertices }: JobDetail, required: JobRequirements): boolean {
  return (
    state === 'RUNNING' &&
    vertices.every(({ id, parallelism }) => parallelism === required[id]?.parallelism.upperBound)
  )
}

/** A line a vertex. */
export function describeChange(before: JobDetail, after: JobDetail): string {
  const lines = after.vertices.map(({ id, name, parallelism }) => {
    const was = before.vertices.find((vertex) => vertex.id === id)?.parallelism
    const change = was === parallelism ? `${parallelism}, as before` : `${was} → ${parallelism}`
    return `  ${name}: ${change}\n`
  })
  return lines.join('')
}
