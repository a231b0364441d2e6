/** Configuration options of high availability, which JobManagers and TaskManagers read alike. */
import { option } from '@millrace/core'

export const HighAvailabilityOptions = {
  type: option.enum({
    key: 'high-availability.type',
    aliases: ['high-availability'],
    values: ['NONE', 'filesystem'],
    defaultValue: 'NONE',
    description:
      'Whether several JobManagers stand in for each other: `filesystem` elects one with a lease in `high-availability.storageDir`.',
  }),
  storageDir: option.string({
    key: 'high-availability.storageDir',
    aliases: ['high-availability.filesystem.storageDir'],
    defaultValue: undefined as string | undefined,
    description:
      'Directory (`file:///…`) or bucket (`s3://bucket/…`), shared by all processes, of the lease, job graphs and checkpoint pointers.',
  }),
  clusterId: option.string({
    key: 'high-availability.cluster-id',
    defaultValue: '/default',
    description: 'Keeps clusters that share a `high-availability.storageDir` apart.',
  }),
  jobManagerPort: option.int({
    key: 'high-availability.jobmanager.port',
    defaultValue: undefined as number | undefined,
    description:
      'Port of the control plane with high availability; 0 picks a free one. Default: `jobmanager.rpc.port` where that is set, else 0.',
  }),
  leaseDuration: option.duration({
    key: 'high-availability.filesystem.leader-election.lease-duration',
    defaultValue: 10_000,
    description: 'A lease that was not renewed for this long is taken over.',
  }),
  renewDeadline: option.duration({
    key: 'high-availability.filesystem.leader-election.renew-deadline',
    defaultValue: 7000,
    description: 'A leader that could not renew its lease for this long stops leading by itself.',
  }),
  retryPeriod: option.duration({
    key: 'high-availability.filesystem.leader-election.retry-period',
    defaultValue: 2000,
    description: 'How often the leader renews its lease, and the others and TaskManagers read it.',
  }),
} as const
