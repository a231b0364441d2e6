/**
 * Every configuration option that some package declares: for warnings about unknown keys, for SET
 * and for completion.
 */
import type { ConfigOption } from '@millrace/core'
import * as jobmanager from '@millrace/jobmanager/options'
import * as network from '@millrace/network/options'
import { HighAvailabilityOptions } from '@millrace/protocol/options'
import { S3_OPTIONS } from '@millrace/s3/options'
import { SQL_OPTIONS } from '@millrace/sql/options'
import { GATEWAY_OPTIONS } from '@millrace/sql-gateway/options'
import * as sqlOperators from '@millrace/sql-operators/options'
import * as state from '@millrace/state/options'
import * as taskmanager from '@millrace/taskmanager/options'
import { CLIENT_OPTIONS } from './client-options.ts'
import { METRICS_OPTIONS } from './metrics-options.ts'

function collect(value: unknown, into: Map<string, ConfigOption<unknown>>): void {
  const seen = value as Partial<ConfigOption<unknown>> | null
  if (typeof seen !== 'object' || seen === null) return
  if (typeof seen.key === 'string' && Array.isArray(seen.aliases)) {
    into.set(seen.key, seen as ConfigOption<unknown>)
    return
  }
  for (const nested of Object.values(seen)) collect(nested, into)
}

export function knownConfigOptions(): readonly ConfigOption<unknown>[] {
  const options = new Map<string, ConfigOption<unknown>>()
  for (const declared of [
    jobmanager,
    network,
    HighAvailabilityOptions,
    S3_OPTIONS,
    SQL_OPTIONS,
    GATEWAY_OPTIONS,
    sqlOperators,
    state,
    taskmanager,
    METRICS_OPTIONS,
    CLIENT_OPTIONS,
  ]) {
    collect({ ...declared }, options)
  }
  return [...options.values()]
}

/** Their keys and the aliases of them. */
export function knownConfigKeys(): ReadonlySet<string> {
  return new Set(knownConfigOptions().flatMap(({ key, aliases }) => [key, ...aliases]))
}
