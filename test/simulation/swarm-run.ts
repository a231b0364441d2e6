/** A swarm of seeds with its progress, its summary, and RELIABILITY.md when it is asked for. */
import type { FaultFamily } from '@millrace/simulation'
import { seedsUntilPlantIsFound } from './find-plant.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'
import { runSwarm } from './swarm.ts'
import { SwarmTally } from './swarm-tally.ts'
import { writeReport } from './write-report.ts'

export interface SwarmRunOptions {
  readonly families: readonly FaultFamily[]
  readonly plant: string | null
  readonly from: number
  /** Infinity: until the minutes are over. */
  readonly count: number
  readonly minutes: number
  /** The command, when RELIABILITY.md shall be written. */
  readonly reportOf: string | null
  readonly repeatOptions: string
  print(line: string): void
}

const PROGRESS_INTERVAL_MS = 2000

/** Whether every seed was right. */
export async function runSeeds(options: SwarmRunOptions): Promise<boolean> {
  const { families, plant, from, count, reportOf, print } = options
  const startMs = performance.now()
  const deadlineMs = startMs + options.minutes * 60_000
  function* seeds(): Iterable<number> {
    for (let seed = from; seed < from + count; seed++) yield seed
  }
  const tally = new SwarmTally(options.repeatOptions)
  let shownMs = startMs
  await runSwarm({
    seeds: seeds(),
    families,
    plant,
    stop: () => performance.now() > deadlineMs,
    onOutcome(outcome) {
      tally.add(outcome)
      if (outcome.violations.length > 0) print(tally.describe(outcome))
      const nowMs = performance.now()
      if (nowMs - shownMs < PROGRESS_INTERVAL_MS) return
      shownMs = nowMs
      print(tally.progress((nowMs - startMs) / 1000, count))
    },
  })
  const seconds = (performance.now() - startMs) / 1000
  print(tally.summary(seconds))
  if (reportOf !== null) {
    writeReport(tally, seconds, reportOf, await seedsUntilFound(families, print))
  }
  return tally.failed.length === 0
}

/** Plant → how many seeds it took to find it; those that were not found are left out. */
async function seedsUntilFound(
  families: readonly FaultFamily[],
  print: (line: string) => void,
): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const { name } of PLANTED_BUGS) {
    const seeds = await seedsUntilPlantIsFound(name, { families })
    if (seeds !== null) found.set(name, seeds)
    print(`plant ${name}: ${seeds === null ? 'not found' : `found after ${seeds} seeds`}`)
  }
  return found
}
