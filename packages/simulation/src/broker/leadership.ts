/**
 * Leadership: who leads a partition or coordinates an id after a node came, went, or handed over.
 *
 * A move takes time in which nobody answers, and the others hear of it later still: clients meet
 * NOT_LEADER, NOT_COORDINATOR and COORDINATOR_LOAD_IN_PROGRESS as they would.
 */
import type { SeededRandom } from '../world/seeded-random.ts'
import type { SimulatedWorld } from '../world/simulated-world.ts'
import {
  type ClusterState,
  type CoordinatorSlot,
  NO_LEADER,
  type PartitionPlace,
} from './cluster-state.ts'

/** Until the others know that a node is gone. */
const DETECTION_MS = [20, 200] as const
const ELECTION_MS = [1, 40] as const
const METADATA_LAG_MS = [1, 60] as const
const LOADING_MS = [1, 80] as const

export class Leadership {
  readonly #state: ClusterState
  readonly #world: SimulatedWorld
  readonly #random: SeededRandom
  /** A coordinator has its log and acts. */
  readonly #loaded: (slot: CoordinatorSlot) => void

  constructor(
    state: ClusterState,
    world: SimulatedWorld,
    random: SeededRandom,
    loaded: (slot: CoordinatorSlot) => void,
  ) {
    this.#state = state
    this.#world = world
    this.#random = random
    this.#loaded = loaded
  }

  /** `target` null: any node that is up, another one when there is one. */
  moveLeader(place: PartitionPlace, target: number | null = null): void {
    const next = target ?? this.#another(place.leader)
    place.leader = NO_LEADER
    place.log.leaderEpoch++
    const epoch = place.log.leaderEpoch
    this.#state.changed(place)
    this.#world.after(this.#random.between(...ELECTION_MS), () => {
      if (place.log.leaderEpoch !== epoch) return
      // It may be gone by now; alone, it is waited for.
      const leader = this.#state.isUp(next) ? next : this.#another(next)
      place.leader = leader
      this.#world.after(this.#random.between(...METADATA_LAG_MS), () => {
        if (place.log.leaderEpoch === epoch) place.advertisedLeader = leader
      })
    })
  }

  moveCoordinator(slot: CoordinatorSlot, target: number | null = null, loadingMs?: number): void {
    slot.node = target ?? this.#another(slot.node)
    slot.moves++
    slot.loading = true
    const { moves } = slot
    this.#world.after(loadingMs ?? this.#random.between(...LOADING_MS), () => {
      if (slot.moves !== moves || !this.#state.isUp(slot.node)) return
      slot.loading = false
      this.#loaded(slot)
    })
  }

  /** A node that acts, rather another than `nodeId`; `nodeId` when none does. */
  #another(nodeId: number): number {
    const acting = this.#state.nodes.filter(({ id }) => this.#state.isActing(id))
    const others = acting.filter(({ id }) => id !== nodeId)
    if (others.length > 0) return this.#random.pick(others).id
    return acting[0]?.id ?? (nodeId === NO_LEADER ? 1 : nodeId)
  }

  nodeDown(nodeId: number): void {
    for (const slot of this.#state.slots) {
      if (slot.node !== nodeId) continue
      slot.moves++
      slot.loading = true
    }
    this.#world.after(this.#random.between(...DETECTION_MS), () => {
      const node = this.#state.node(nodeId)
      if (node === undefined || this.#state.isUp(nodeId)) return
      this.nodeSilent(nodeId)
    })
  }

  /**
   * It was silent for too long: what it led is led by others, and it is a stranger when
   * it speaks again.
   */
  nodeSilent(nodeId: number): void {
    const node = this.#state.node(nodeId)
    const others = this.#state.nodes.some(({ id }) => id !== nodeId && this.#state.isActing(id))
    if (node === undefined || !others) return
    node.registered = false
    this.#evacuate(nodeId)
  }

  #evacuate(nodeId: number): void {
    for (const place of this.#state.places()) {
      if (place.leader === nodeId) this.moveLeader(place)
    }
    for (const slot of this.#state.slots) {
      if (slot.node === nodeId) this.moveCoordinator(slot)
    }
  }

  nodeUp(nodeId: number): void {
    const node = this.#state.node(nodeId)
    if (node === undefined) return
    node.registered = true
    // Its own, which went down with it, and those of nodes that are still away.
    for (const place of this.#state.places()) {
      if (place.leader === nodeId || (place.leader >= 0 && !this.#state.isUp(place.leader))) {
        this.moveLeader(place, nodeId)
      }
    }
    for (const slot of this.#state.slots) {
      if (slot.node === nodeId || !this.#state.isUp(slot.node)) this.moveCoordinator(slot, nodeId)
    }
  }
}
