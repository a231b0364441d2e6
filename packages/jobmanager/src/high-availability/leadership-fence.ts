/**
 * The fence of one leadership: it gives its epoch only while the leadership holds.
 *
 * Every call to a TaskManager carries it and every call of one is checked against it, so a
 * JobManager that slept beyond its lease does neither, whatever its timers have not told it yet.
 */
import type { Fence } from '@millrace/protocol'
import type { Leadership } from './leader-election.ts'
import { requireLeadership } from './write-resolved.ts'

export function leadershipFence(leadership: Leadership, senderId: string): Fence {
  return {
    senderId,
    get leaderEpoch() {
      requireLeadership(leadership)
      return leadership.epoch
    },
  }
}
