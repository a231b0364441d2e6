/**
 * Whether a checkpoint of one operator in one subtask builds upon the one before, or is written
 * whole. Pure.
 *
 * What a chain of segments costs is bounded: those that build upon the whole one are together no
 * larger than it, plus the last, so checkpoints hold and a restore reads about twice the state at
 * most; and their number is bounded. Of a state of which 1 % changes from one checkpoint to the
 * next about 1 % is written each time, and every 64th time all of it.
 */
import type { StatePart } from '@millrace/core'

/** Files that a restore opens for one operator of a subtask. */
export const CHAIN_PARTS_MAX = 64

/** `chain`: the parts of the checkpoint before, oldest first; the first one is whole. */
export function buildsUpon(chain: readonly StatePart[]): boolean {
  const [whole, ...later] = chain
  // Small state in the metadata is as soon written whole.
  if (whole === undefined || whole.handle.kind !== 'file') return false
  if (chain.length >= CHAIN_PARTS_MAX) return false
  return later.reduce((sum, { handle }) => sum + handle.size, 0) < whole.handle.size
}

/** The parts of a checkpoint as those that build upon it carry them: rows by key alone. */
export function carried(parts: readonly StatePart[]): StatePart[] {
  return parts
    .filter(({ keyGroups }) => keyGroups !== null)
    .map(({ handle, keyGroups }) => ({ handle, keyGroups, lists: {}, unions: [] }))
}

/** Bytes that the chain has in the metadata. */
export function inlineBytes(chain: readonly StatePart[]): number {
  return chain.reduce((sum, { handle }) => sum + (handle.kind === 'inline' ? handle.size : 0), 0)
}
