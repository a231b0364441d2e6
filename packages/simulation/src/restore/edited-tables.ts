/**
 * A workload whose source tables somebody has edited since a checkpoint was taken: columns have
 * wider types, the tables other names. What it computes is the same, so its oracle is.
 */
import { renamedTables, WIDER, widenedTables } from '../workload/edit-tables.ts'
import type { Workload } from '../workload/workload.ts'
import type { SeededRandom } from '../world/seeded-random.ts'

export interface EditedTables {
  readonly workload: Workload
  /** Null: none. */
  readonly about: string | null
  /** Rows on the way to another operator are others now, too. */
  readonly isWidened: boolean
}

const WIDENED_SHARE = 0.75
const RENAMED_SHARE = 0.5

/** `mayWiden`: false where rows of the former types are on their way. */
export function editedTables(
  workload: Workload,
  random: SeededRandom,
  { mayWiden }: { readonly mayWiden: boolean },
): EditedTables {
  const widens = random.chance(WIDENED_SHARE) && mayWiden
  const wide = widens ? widenedTables(workload, Object.keys(WIDER)) : null
  const renames = random.chance(RENAMED_SHARE)
  const before = wide ?? { workload, about: [] }
  const about = [...before.about, ...(renames ? ['tables renamed'] : [])]
  return {
    workload: renames ? renamedTables(before.workload) : before.workload,
    about: about.length === 0 ? null : about.join(', '),
    isWidened: wide !== null,
  }
}
