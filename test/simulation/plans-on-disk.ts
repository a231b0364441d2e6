/** Plan files: where `--shrink` puts them, and how `--plan` takes them back. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { decodePlanFile, encodePlanFile, type PlanFile, planInvalid } from '@millrace/simulation'

/** Below what git ignores. */
export const planPath = (seed: number, plant: string | null): string =>
  `.millrace/plans/seed-${seed}${plant === null ? '' : `-${plant}`}.json`

export function writePlan(path: string, plan: PlanFile): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, encodePlanFile(plan))
}

/** Throws SIMULATE_PLAN_INVALID. */
export function readPlan(path: string): PlanFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw planInvalid('Name a plan file: this one cannot be read.', { file: path, cause })
  }
  return decodePlanFile(text, path)
}
