/**
 * The lease: one object that says which JobManager leads, under which epoch, and where
 * it is reached.
 *
 * Written by candidates under conditions, read by TaskManagers and standbys. Each renewal writes it
 * anew, so that its version changes; nobody compares its times with a clock of their own.
 */
import { protocolError } from '../error-codes.ts'

export interface LeaderRecord {
  /** Grows with each new leader. */
  readonly epoch: number
  /** JobManager id; empty: the last leader has given up the lease. */
  readonly holderId: string
  readonly rpcAddress: string
  /** Host and port; empty without REST. */
  readonly restAddress: string
  /** How long the holder may be silent. */
  readonly leaseDurationMs: number
  /** Counts the writes of one leadership. */
  readonly renewal: number
}

export const leaderKey = (clusterPath: string): string => `${clusterPath}/leader`

export function encodeLeaderRecord(record: LeaderRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record))
}

/** Throws MESSAGE_MALFORMED. */
export function decodeLeaderRecord(bytes: Uint8Array): LeaderRecord {
  let value: Partial<LeaderRecord>
  try {
    value = JSON.parse(new TextDecoder().decode(bytes)) ?? {}
  } catch (cause) {
    throw protocolError('MESSAGE_MALFORMED', 'The leader lease is not JSON.', { cause })
  }
  const { epoch, holderId, rpcAddress, restAddress, leaseDurationMs, renewal } = value
  if (
    !Number.isSafeInteger(epoch) ||
    typeof holderId !== 'string' ||
    typeof rpcAddress !== 'string' ||
    typeof restAddress !== 'string' ||
    typeof leaseDurationMs !== 'number' ||
    typeof renewal !== 'number'
  ) {
    throw protocolError('MESSAGE_MALFORMED', 'The leader lease lacks a field.')
  }
  return value as LeaderRecord
}
