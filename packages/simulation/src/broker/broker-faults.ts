/**
 * BrokerFaults: what goes wrong with single requests, by API, moment and chance.
 *
 *     before    the connection is lost, nothing was done
 *     during    done in part, where that exists: decided without markers, some partitions,
 *               half an answer
 *     after     done, and the answer is lost with the connection
 *     slow      done `delayMs` later
 *     late      done at once, answered `delayMs` later
 *     refused   not done, answered with `error`
 *     unsure    done, and answered with `error` all the same: the node gave up waiting for
 *               the others
 *
 * Counts how often each was met, so that a swarm can say what it has tried.
 */
import type { Api } from '@millrace/connector-kafka/protocol'
import type { SeededRandom } from '../world/seeded-random.ts'

export type ApiName = keyof typeof Api
export type FaultMoment = 'before' | 'during' | 'after' | 'slow' | 'late' | 'refused' | 'unsure'

export interface RequestFault {
  readonly moment: FaultMoment
  /** Absent: every API. */
  readonly apis?: readonly ApiName[]
  /** Of each request, 1 when absent. */
  readonly probability?: number
  /** Gone after so many hits. */
  readonly times?: number
  /** Of `slow` and `late`. */
  readonly delayMs?: number
  /** Protocol error code of `refused` and `unsure`. */
  readonly error?: number
  /** Told of each request that it strikes. */
  onHit?(): void
}

export class BrokerFaults {
  readonly #random: SeededRandom
  readonly #faults = new Map<RequestFault, number>()
  /** `END_TXN after` → how often. */
  readonly hits = new Map<string, number>()

  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** Returns what removes it again. */
  add(fault: RequestFault): () => void {
    this.#faults.set(fault, fault.times ?? Number.POSITIVE_INFINITY)
    return () => void this.#faults.delete(fault)
  }

  clear(): void {
    this.#faults.clear()
  }

  draw(api: ApiName): RequestFault | null {
    for (const [fault, left] of this.#faults) {
      if (fault.apis !== undefined && !fault.apis.includes(api)) continue
      if (fault.probability !== undefined && !this.#random.chance(fault.probability)) continue
      if (left <= 1) this.#faults.delete(fault)
      else this.#faults.set(fault, left - 1)
      this.count(`${api} ${fault.moment}`)
      fault.onHit?.()
      return fault
    }
    return null
  }

  count(what: string): void {
    this.hits.set(what, (this.hits.get(what) ?? 0) + 1)
  }
}
