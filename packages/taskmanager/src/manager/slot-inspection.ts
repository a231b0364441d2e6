/** What people ask of the threads of slots: where they are, and where their time goes. */
import type { ThreadState } from '@millrace/platform'
import type { AttemptProfile, ProcessQuestion } from '@millrace/protocol'
import type { TaskSlot } from './task-slot.ts'

/** A thread's place is that of its last sample. */
const STACK_MS = 20
const STACK_INTERVAL_MS = 1

export async function slotThreads(slots: readonly TaskSlot[]): Promise<ThreadState[]> {
  const profiles = await Promise.all(slots.map((slot) => slot.profile(STACK_MS, STACK_INTERVAL_MS)))
  return slots.map(({ settings, attempts }, i) => {
    const tasks = [...attempts.values()].map(({ vertex, subtaskIndex }) => {
      return `${vertex.name} (${subtaskIndex + 1}/${vertex.parallelism})`
    })
    const what = tasks.length === 0 ? 'no tasks' : tasks.join(', ')
    const stack = profiles[i]?.stack ?? ['(does not answer)']
    return { name: `slot ${settings.index}: ${what}`, stack }
  })
}

export async function attemptProfiles(
  slots: readonly TaskSlot[],
  { attemptIds, durationMs, intervalMs }: ProcessQuestion & { readonly kind: 'profile' },
): Promise<AttemptProfile[]> {
  const wanted = new Set(attemptIds)
  const theirs = slots.filter(({ attempts }) => attemptIds.some((id) => attempts.has(id)))
  const profiles = await Promise.all(theirs.map((slot) => slot.profile(durationMs, intervalMs)))
  return profiles
    .flatMap((profile) => profile?.attempts ?? [])
    .filter(({ attemptId }) => wanted.has(attemptId))
}
