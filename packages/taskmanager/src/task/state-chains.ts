/**
 * StateChains: of one subtask, the segments of its earlier checkpoints that a new one may build
 * upon.
 *
 * Known from what it wrote itself, and from what it was restored from. Which checkpoint is complete
 * the order says; here stands only what belongs to which. Invariant: a chain has rows by key alone,
 * oldest segment first, the first of them whole.
 */
import type { CheckpointOrder, StatePart, SubtaskStateHandles } from '@millrace/core'
import { buildsUpon, carried } from '@millrace/state'

/** Checkpoints that may still come to be complete, at most. */
const CHECKPOINTS_MAX = 8

export class StateChains {
  /** Checkpoint id, in the order in which they were taken → operator id → its parts. */
  readonly #chains = new Map<number, Map<string, readonly StatePart[]>>()

  /** What the subtask starts from; tables hold just that. */
  restored(checkpointId: number, operators: SubtaskStateHandles): void {
    for (const [operatorId, { parts }] of Object.entries(operators)) {
      this.written(checkpointId, operatorId, carried(parts))
    }
  }

  /** `parts` of the checkpoint as the next one may carry them. */
  written(checkpointId: number, operatorId: string, parts: readonly StatePart[]): void {
    let chains = this.#chains.get(checkpointId)
    if (chains === undefined) {
      chains = new Map()
      this.#chains.set(checkpointId, chains)
      const [oldest] = this.#chains.keys()
      if (this.#chains.size > CHECKPOINTS_MAX) this.#chains.delete(oldest as number)
    }
    chains.set(operatorId, parts)
  }

  /** What the operator's part of the ordered checkpoint builds upon; null: it is written whole. */
  base({ incremental }: CheckpointOrder, operatorId: string): readonly StatePart[] | null {
    const since = incremental?.since ?? null
    if (since === null) return null
    for (const id of this.#chains.keys()) if (id < since) this.#chains.delete(id)
    const chain = this.#chains.get(since)?.get(operatorId)
    return chain !== undefined && buildsUpon(chain) ? chain : null
  }

  /** It will not be complete. */
  forget(checkpointId: number): void {
    this.#chains.delete(checkpointId)
  }
}
