/** By which names a run knows what belongs to a neighbour of its job (see `Neighbours`). */
import { stableId } from '@millrace/core'

/** Their jobs are numbered from there on; a run submits fewer of its own. */
export const FIRST_NEIGHBOUR = 1_000_000
/** In a run, at most. */
export const NEIGHBOURS_MAX = 3
const TOPIC_PREFIX = 'neighbour-'

/** That the n-th one writes. */
export function neighbourTopic(n: number): string {
  return `${TOPIC_PREFIX}${n}`
}

/** Whether it is one of a neighbour, by the id that the run gave it. */
export function isNeighbour(jobId: string): boolean {
  return Number(jobId) > FIRST_NEIGHBOUR
}

/** Of the job that a run submits after `number` others, or of a neighbour. */
export function jobIdOf(number: number): string {
  return String(number + 1).padStart(32, '0')
}

/** Whether a transaction is a neighbour's: the default prefix ends with its job's short name. */
export function isOfNeighbour(transactionalId: string): boolean {
  return SHORT_NAMES.some((name) => transactionalId.includes(`-${name}-`))
}

const SHORT_NAMES = Array.from({ length: NEIGHBOURS_MAX }, (_, n) =>
  stableId(jobIdOf(FIRST_NEIGHBOUR + n)).slice(0, 8),
)
