/** Options of the TaskManager process's Prometheus page; the JobManager's is below its REST address. */
import { option } from '@millrace/core'

export const METRICS_OPTIONS = {
  port: option.int({
    key: 'metrics.reporter.prom.port',
    defaultValue: 9249,
    description:
      'Port on loopback of the TaskManager’s Prometheus page; 0 picks a free one, -1 serves none.',
  }),
} as const
