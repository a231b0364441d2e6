/**
 * A failure in one of the pipelines of a job that have no data between them leaves the tasks of the
 * others alone: their attempts do not change for it.
 */
import { type Violation, violation } from './violation.ts'

export interface ObservedFailure {
  readonly error: { readonly code: string }
  /** `Name (2/3) - execution #0`; null: of the whole job. */
  readonly taskName: string | null
}

/** What one leader knows of one job. */
export interface ObservedRegions {
  /** Leader and job. */
  readonly life: string
  /** Names of the vertices of each region, and the attempts of its tasks. */
  readonly regions: readonly { readonly names: readonly string[]; readonly attempts: string }[]
  /** All that are known, the same objects from look to look. */
  readonly failures: readonly ObservedFailure[]
  /** How often it was restarted for a failure. */
  readonly restarts: number
  /** How often all of it went down for another parallelism. */
  readonly rescales: number
}

/** They take tasks of any pipeline along, of which one is named. */
const OF_SEVERAL: readonly string[] = ['TASK_MANAGER_LOST', 'SLOT_LOST', 'TASK_DEPLOYMENT_FAILED']

interface Known {
  readonly seen: WeakSet<ObservedFailure>
  /** Of each region. */
  readonly attempts: string[]
  /** Regions whose tasks a failure has hit since their attempts changed last. */
  readonly hit: Set<number>
  restarts: number
  rescales: number
}

export class RegionChecker {
  readonly violations: Violation[] = []
  /** Restarts of one region beside others that went on. */
  observed = 0
  readonly #known = new Map<string, Known>()

  observe({ life, regions, failures, restarts, rescales }: ObservedRegions): void {
    if (regions.length < 2) return
    const known = this.#known.get(life)
    if (known === undefined) {
      const attempts = regions.map((region) => region.attempts)
      const seen = new WeakSet(failures)
      this.#known.set(life, { seen, attempts, hit: new Set(), restarts, rescales })
      return
    }
    const hitNow = new Set<number>()
    for (const failure of failures) {
      if (known.seen.has(failure)) continue
      known.seen.add(failure)
      for (const region of hitBy(failure, regions)) hitNow.add(region)
    }
    const changed = regions.flatMap(({ attempts }, i) => {
      return attempts === known.attempts[i] ? [] : [i]
    })
    // Without a failure they went down for something that is of the whole job.
    if (changed.length > 0 && restarts > known.restarts && rescales === known.rescales) {
      this.#judge(changed, new Set([...known.hit, ...hitNow]), regions)
    }
    if (changed.length > 0) {
      known.restarts = restarts
      known.rescales = rescales
    }
    for (const i of changed) {
      known.attempts[i] = regions[i]?.attempts as string
      known.hit.delete(i)
    }
    // What was heard of since the last look may be of the attempts that came since.
    for (const i of hitNow) known.hit.add(i)
  }

  #judge(
    changed: readonly number[],
    hit: ReadonlySet<number>,
    regions: ObservedRegions['regions'],
  ): void {
    if (changed.length < regions.length) this.observed++
    for (const i of changed) {
      if (hit.has(i)) continue
      const { names, attempts } = regions[i] as ObservedRegions['regions'][number]
      const message = 'Tasks were started anew for a failure in another pipeline.'
      this.violations.push(violation('regions', message, [names.join(', '), attempts]))
    }
  }
}

function hitBy(
  { error, taskName }: ObservedFailure,
  regions: ObservedRegions['regions'],
): number[] {
  const all = [...regions.keys()]
  if (taskName === null || OF_SEVERAL.includes(error.code)) return all
  return all.filter((i) => regions[i]?.names.some((name) => taskName.startsWith(`${name} (`)))
}
