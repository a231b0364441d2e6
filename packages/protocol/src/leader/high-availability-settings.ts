/** High availability as configured: where its objects are, and the times of the lease. */
import type { Configuration } from '@millrace/core'
import { type Clock, type ObjectStore, type ObjectStores, withDeadline } from '@millrace/platform'
import { protocolError } from '../error-codes.ts'
import { HighAvailabilityOptions as Options } from './high-availability-options.ts'

const CALLS_BEFORE_DEADLINE = 3

export interface LeaseTimings {
  readonly leaseDurationMs: number
  readonly renewDeadlineMs: number
  readonly retryPeriodMs: number
}

export interface HighAvailability {
  /** Its calls end well within the renew deadline. */
  readonly store: ObjectStore
  /** Prefix of every key. */
  readonly clusterPath: string
  readonly timings: LeaseTimings
}

/** Null: there is one JobManager. Throws HIGH_AVAILABILITY_INVALID and OBJECT_STORE_UNSUPPORTED. */
export function highAvailabilityOf(
  configuration: Configuration,
  platform: { readonly clock: Clock; readonly objectStores: ObjectStores },
): HighAvailability | null {
  if (configuration.get(Options.type) === 'NONE') return null
  const location = configuration.get(Options.storageDir)
  if (location === undefined) {
    throw protocolError(
      'HIGH_AVAILABILITY_INVALID',
      `Set '${Options.storageDir.key}': '${Options.type.key}' is filesystem.`,
      {
        hint: 'A directory that every JobManager and TaskManager shares, e.g. file:///var/millrace/ha, or a bucket: s3://bucket/ha.',
        location: { optionKey: Options.storageDir.key },
      },
    )
  }
  const timings = leaseTimings(configuration)
  const { clock, objectStores } = platform
  // So that a call that hangs leaves time for another before the deadline.
  const callDeadlineMs = timings.renewDeadlineMs / CALLS_BEFORE_DEADLINE
  return {
    store: withDeadline(objectStores.open(location), clock, callDeadlineMs),
    clusterPath: clusterPathOf(configuration),
    timings,
  }
}

function leaseTimings(configuration: Configuration): LeaseTimings {
  const timings = {
    leaseDurationMs: configuration.get(Options.leaseDuration),
    renewDeadlineMs: configuration.get(Options.renewDeadline),
    retryPeriodMs: configuration.get(Options.retryPeriod),
  }
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = timings
  if (0 < retryPeriodMs && retryPeriodMs < renewDeadlineMs && renewDeadlineMs < leaseDurationMs) {
    return timings
  }
  throw protocolError(
    'HIGH_AVAILABILITY_INVALID',
    `Let '${Options.retryPeriod.key}' (${retryPeriodMs} ms) be shorter than '${Options.renewDeadline.key}' ` +
      `(${renewDeadlineMs} ms), and that shorter than '${Options.leaseDuration.key}' (${leaseDurationMs} ms).`,
    { location: { optionKey: Options.renewDeadline.key } },
  )
}

function clusterPathOf(configuration: Configuration): string {
  const path = configuration.get(Options.clusterId).split('/').filter(Boolean).join('/')
  if (path !== '') return path
  throw protocolError('HIGH_AVAILABILITY_INVALID', `Set '${Options.clusterId.key}' to a name.`, {
    location: { optionKey: Options.clusterId.key },
  })
}
