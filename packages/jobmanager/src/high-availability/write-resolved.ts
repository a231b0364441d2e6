/**
 * A conditional write that is over only when its outcome is known.
 *
 * A rejected write may have taken effect, or may do so later. Reading again tells: what is there is
 * ours, or what was expected still is (then the write is repeated: should the first arrive after
 * all, one of the two finds another version), or somebody else's.
 */
import type { Clock, ObjectStore } from '@millrace/platform'
import { jobManagerError } from '../error-codes.ts'
import type { Leadership } from './leader-election.ts'

const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 1000

export interface StoreAccess {
  readonly store: ObjectStore
  readonly clock: Clock
  readonly leadership: Leadership
}

/**
 * The version written, or null when the object is not as expected. Rejects with LEADERSHIP_LOST.
 */
export async function writeResolved(
  access: StoreAccess,
  key: string,
  bytes: Uint8Array,
  expected: string | null,
  isOurs: (bytes: Uint8Array) => boolean,
): Promise<string | null> {
  const { store, leadership } = access
  for (let attempt = 0; ; attempt++) {
    if (attempt > 0) await backOff(access, attempt)
    else requireLeadership(leadership)
    let refused = false
    try {
      const version = await store.putIf(key, bytes, expected)
      if (version !== null) return version
      refused = true
    } catch {
      // Unknown: read below.
    }
    const seen = await whileLeading(access, () => store.get(key))
    if (seen !== null && isOurs(seen.bytes)) return seen.version
    if (refused || (seen?.version ?? null) !== expected) return null
  }
}

/** Repeats `action` until it succeeds. Rejects with LEADERSHIP_LOST. */
export async function whileLeading<T>(access: StoreAccess, action: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    if (attempt > 0) await backOff(access, attempt)
    else requireLeadership(access.leadership)
    try {
      return await action()
    } catch (error) {
      if ((error as { retry?: string }).retry === 'never') throw error
    }
  }
}

async function backOff({ clock, leadership }: StoreAccess, attempt: number): Promise<void> {
  const ms = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(attempt - 1, 10))
  await new Promise<void>((resolve) => {
    clock.setTimer(ms, resolve)
  })
  requireLeadership(leadership)
}

/** Throws LEADERSHIP_LOST; what acted for the leadership has been stopped by then. */
export function requireLeadership(leadership: Leadership): void {
  if (leadership.holds()) return
  leadership.giveUp('the lease has run out')
  throw leadershipLost(leadership)
}

export function leadershipLost({ epoch }: Leadership) {
  return jobManagerError('LEADERSHIP_LOST', `The leadership under epoch ${epoch} has ended.`)
}
