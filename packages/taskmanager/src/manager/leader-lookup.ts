/**
 * Where the leading JobManager is: a configured address, or with high availability what
 * the lease says.
 *
 * The lease's epoch counts as soon as it is read: whoever led before has stopped by then, whether
 * or not the new leader has called.
 */
import type { Configuration } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { decodeLeaderRecord, highAvailabilityOf, leaderKey } from '@millrace/protocol'
import { TASKMANAGER_OPTIONS } from '../taskmanager-options.ts'

export interface LeaderContact {
  /** 0: not known before the registration. */
  readonly epoch: number
  readonly rpcAddress: string
}

export interface LeaderLookup {
  /**
   * How often to look while all is well, and the longest pause while no leader is found; null: it
   * never changes.
   */
  readonly periodMs: number | null
  /** Null: there is no leader. Rejects when that cannot be found out. */
  find(): Promise<LeaderContact | null>
  /** For messages: where a leader is looked for. */
  describe(): string
}

/** Throws HIGH_AVAILABILITY_INVALID, OBJECT_STORE_UNSUPPORTED. */
export function leaderLookupOf(configuration: Configuration, platform: Platform): LeaderLookup {
  const shared = highAvailabilityOf(configuration, platform)
  if (shared !== null) {
    const { store, clusterPath, timings } = shared
    return {
      // The leader renews once a period; tasks that stand still wait for what is found here.
      periodMs: timings.retryPeriodMs / 2,
      async find() {
        const object = await store.get(leaderKey(clusterPath))
        const record = object === null ? null : decodeLeaderRecord(object.bytes)
        return record === null || record.holderId === '' ? null : record
      },
      describe: () => `the JobManager that the lease of '${clusterPath}' names; start one`,
    }
  }
  const host = configuration.get(TASKMANAGER_OPTIONS.jobManagerAddress)
  const rpcAddress = `${host}:${configuration.get(TASKMANAGER_OPTIONS.jobManagerPort)}`
  return fixedLeader(rpcAddress)
}

export function fixedLeader(rpcAddress: string): LeaderLookup {
  return {
    periodMs: null,
    find: async () => ({ epoch: 0, rpcAddress }),
    describe: () =>
      `the JobManager at ${rpcAddress}; start it, or correct 'jobmanager.rpc.address' and 'jobmanager.rpc.port'`,
  }
}
