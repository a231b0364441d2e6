/**
 * Options of the TaskManager process's Prometheus page; the JobManager's is below its REST address.
 */
import { option } from '@millrace/core'

export const METRICS_OPTIONS = {
  port: option.string({
    key: 'metrics.reporter.prom.port',
    defaultValue: '9249-9299',
    description:
      'Port on loopback of the TaskManager’s Prometheus page, or a range of which the first free one is taken; 0 picks any, -1 serves none.',
  }),
} as const
