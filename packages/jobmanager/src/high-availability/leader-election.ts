/**
 * Who leads, as a port: a lease in an object store today, a Kubernetes lease another day.
 *
 * Invariant: epochs grow, and at any moment at most one leadership `holds`. That is what one may
 * act by; what one may write is decided by conditional writes under the epoch, since a process can
 * be stopped between asking and acting.
 */
import type { LeaderRecord } from '@millrace/protocol'

export interface Leadership {
  readonly epoch: number
  /** Whether nobody else can lead at this moment. Once false it stays false. */
  holds(): boolean
  /**
   * Resolves when nobody else had been elected at some moment after the call; rejects with
   * LEADERSHIP_LOST.
   */
  confirm(): Promise<void>
  /** Something shows that another one leads: ends this leadership. */
  giveUp(reason: string): void
}

export interface Candidate {
  readonly id: string
  readonly rpcAddress: string
  /** Empty without REST. */
  readonly restAddress: string
  onElected(leadership: Leadership): void
  /** At once, before anything else of this process can act for the ended leadership. */
  onLost(leadership: Leadership, reason: string): void
}

export interface LeaderElection {
  /** Takes part until `close`. */
  join(candidate: Candidate): void
  /** As far as known; null: none known. */
  leader(): LeaderRecord | null
  /** Takes part no more; a leadership that is held is given to whoever comes first. */
  close(): Promise<void>
}
