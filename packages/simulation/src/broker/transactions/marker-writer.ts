/**
 * MarkerWriter: carries out what the coordinator decided, a marker a partition, each
 * in its own time.
 *
 * The answer to EndTxn does not wait for it, so a reader may see a transaction's records in one
 * partition before those of another. A coordinator that takes over writes all markers again; a
 * partition without leader is tried again.
 */
import type { SeededRandom } from '../../world/seeded-random.ts'
import type { SimulatedWorld } from '../../world/simulated-world.ts'
import type { ClusterState, CoordinatorSlot } from '../cluster-state.ts'
import type { Transaction, TransactionCoordinator } from './transaction-coordinator.ts'

const MARKER_MS_MEAN = 0.8
const COMPLETE_MS_MEAN = 0.4
const RETRY_MS = 50

export class MarkerWriter {
  readonly #world: SimulatedWorld
  readonly #random: SeededRandom
  readonly #state: ClusterState
  readonly #coordinator: () => TransactionCoordinator
  readonly #wallMs: () => number
  /** Every marker takes this much longer. */
  delayMs = 0
  /** Markers that took longer for that. */
  delayed = 0

  constructor(
    world: SimulatedWorld,
    random: SeededRandom,
    state: ClusterState,
    coordinator: () => TransactionCoordinator,
    wallMs: () => number,
  ) {
    this.#world = world
    this.#random = random
    this.#state = state
    this.#coordinator = coordinator
    this.#wallMs = wallMs
  }

  /** What the slot's coordinator found decided in its log. */
  resume(slot: CoordinatorSlot): void {
    for (const transaction of this.#coordinator().all()) {
      if (this.#state.slotOf(transaction.id) === slot && isPrepared(transaction)) {
        this.write(transaction)
      }
    }
  }

  write(transaction: Transaction): void {
    const slot = this.#state.slotOf(transaction.id)
    if (slot.loading) return
    const { moves } = slot
    const remaining = new Set(transaction.partitions)
    const commit = transaction.status === 'PrepareCommit'
    const { producerId, epoch } = transaction
    const attempt = (key: string, delayMs: number): void => {
      this.#world.after(delayMs, () => {
        if (slot.moves !== moves) return
        const place = this.#state.placeOf(key)
        if (place !== undefined) {
          const acting = this.#state.isActing(slot.node) && this.#state.isActing(place.leader)
          if (!acting) {
            attempt(key, RETRY_MS)
            return
          }
          place.log.appendMarker({ producerId, epoch, commit }, this.#wallMs())
          this.#state.changed(place)
        }
        remaining.delete(key)
        if (remaining.size === 0) this.#complete(transaction, slot, moves)
      })
    }
    if (this.delayMs > 0) this.delayed += remaining.size
    for (const key of remaining) {
      attempt(key, this.delayMs + this.#random.exponential(MARKER_MS_MEAN))
    }
  }

  #complete(transaction: Transaction, slot: CoordinatorSlot, moves: number): void {
    this.#world.after(this.#random.exponential(COMPLETE_MS_MEAN), () => {
      if (slot.moves !== moves) return
      this.#coordinator().complete(transaction)
      const { status, id, epoch } = transaction
      this.#world.log.add(this.#world.nowMs, 'broker', status, `${id} epoch ${epoch}`)
    })
  }
}

function isPrepared({ status }: Transaction): boolean {
  return status === 'PrepareCommit' || status === 'PrepareAbort'
}
