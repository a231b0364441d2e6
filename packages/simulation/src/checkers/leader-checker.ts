/**
 * At most one leader acts: calls that a TaskManager carried out carry epochs that never go back
 * there, and an epoch has one sender everywhere.
 */
import type { Violation } from './violation.ts'

export class LeaderChecker {
  readonly #senders = new Map<number, string>()
  readonly #latest = new Map<string, number>()
  readonly violations: Violation[] = []
  observed = 0

  /** `taskManager` carried out a call under that fence. */
  carriedOut(taskManager: string, call: string, leaderEpoch: number, senderId: string): void {
    this.observed++
    const sender = this.#senders.get(leaderEpoch)
    if (sender === undefined) this.#senders.set(leaderEpoch, senderId)
    else if (sender !== senderId) {
      this.#add(`Epoch ${leaderEpoch} has two leaders.`, [
        sender,
        senderId,
        `${call} at ${taskManager}`,
      ])
    }
    const latest = this.#latest.get(taskManager) ?? 0
    if (leaderEpoch < latest) {
      this.#add(`${taskManager} carried out ${call} of a former leader.`, [
        `epoch ${leaderEpoch} of ${senderId}`,
        `after epoch ${latest}`,
      ])
    } else this.#latest.set(taskManager, leaderEpoch)
  }

  #add(message: string, details: readonly string[]): void {
    this.violations.push({ checker: 'one-leader', message, details })
  }
}
