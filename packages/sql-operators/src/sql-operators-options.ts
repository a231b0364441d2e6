/** Configuration options that the SQL operators read from the job's configuration. */
import { option } from '@millrace/core'

export const LOCAL_AGGREGATE_GROUPS_MAX = option.int({
  key: 'table.exec.local-aggregate.max-groups',
  defaultValue: 65_536,
  description:
    'Groups (of a window aggregate: by slice) that a local aggregate keeps before it hands them on ahead of time; bounds its memory.',
})

/** The reference engine's key for clients that a job must not outlive. */
export const CLIENT_HEARTBEAT_TIMEOUT = option.duration({
  key: 'client.heartbeat.timeout',
  defaultValue: 180_000,
  description:
    'A SELECT whose client has asked for no rows for this long is ended and gives its slots back; 0 keeps it.',
})
export const COLLECT_BUFFER_ROWS = option.int({
  key: 'table.exec.collect.buffer-rows',
  defaultValue: 50_000,
  description:
    'Rows of a SELECT that wait for the client; the query is held back (backpressure) until the client has fetched some.',
})

export const COLLECT_FLUSH_INTERVAL_MS = option.duration({
  key: 'table.exec.collect.flush-interval',
  defaultValue: 50,
  description:
    'Longest time that a row of a SELECT waits in the slot before it is sent on to the client.',
})

export const SQL_OPERATORS_OPTIONS = [
  LOCAL_AGGREGATE_GROUPS_MAX,
  COLLECT_BUFFER_ROWS,
  CLIENT_HEARTBEAT_TIMEOUT,
  COLLECT_FLUSH_INTERVAL_MS,
]
