/**
 * Configuration keys that the SQL front end reads, each declared once (docs/configuration.md is
 * generated from them).
 *
 * Set by `SET 'key' = 'value'` in a session or by the cluster's configuration. Options of a table's
 * WITH are `connector`'s.
 */
import { type ConfigOption, option } from '@millrace/core'

export const SOURCE_IDLE_TIMEOUT = option.duration({
  key: 'table.exec.source.idle-timeout',
  defaultValue: 0,
  description:
    'After this time without records a source split no longer holds back the watermark; 0 switches it off.',
})
export const EMPTY_SPLIT_HOLDS_WATERMARK = option.boolean({
  key: 'table.exec.source.empty-split-holds-watermark',
  defaultValue: false,
  description:
    'Whether a split that has been read to its end and has never delivered a record holds back the watermark for good. If not, it does for a second: after it was found empty, and after the first rows of a split beside it.',
})
export const RUNTIME_MODE = option.enum({
  key: 'execution.runtime-mode',
  values: ['STREAMING', 'BATCH'],
  defaultValue: 'STREAMING',
  description:
    'BATCH reads only tables that have an end, and sends no watermark before it: no row is late.',
})
export const EMIT_EARLY_FIRE = option.boolean({
  key: 'table.exec.emit.early-fire.enabled',
  defaultValue: false,
  description:
    'Whether windows of GROUP BY show rows before their end. Not there yet: true is refused.',
})
export const EMIT_LATE_FIRE = option.boolean({
  key: 'table.exec.emit.late-fire.enabled',
  defaultValue: false,
  description: 'Whether windows of GROUP BY take late rows. Not there yet: true is refused.',
})
export const NOT_NULL_ENFORCER = option.enum({
  key: 'table.exec.sink.not-null-enforcer',
  values: ['ERROR', 'DROP'],
  defaultValue: 'ERROR',
  description:
    'What happens to a NULL for a NOT NULL column of a sink: the query that may give one is refused. DROP is not there yet.',
})
export const LOCAL_TIME_ZONE = option.string({
  key: 'table.local-time-zone',
  defaultValue: 'UTC',
  description:
    'Time zone in which TIMESTAMP_LTZ values are shown and cast, e.g. Europe/Berlin or +01:00.',
})
export const AGG_PHASE_STRATEGY = option.enum({
  key: 'table.optimizer.agg-phase-strategy',
  values: ['AUTO', 'TWO_PHASE', 'ONE_PHASE'],
  defaultValue: 'AUTO',
  description:
    'Whether aggregates are computed in part before the exchange (AUTO and TWO_PHASE) or not (ONE_PHASE).',
})
export const REUSE_SUB_PLANS = option.boolean({
  key: 'table.optimizer.reuse-sub-plan-enabled',
  defaultValue: true,
  description: 'Whether equal parts of the queries of a job are computed once.',
})
export const REUSE_SOURCES = option.boolean({
  key: 'table.optimizer.reuse-source-enabled',
  defaultValue: true,
  description:
    'Whether a table that a job reads several times is read once, with all columns that any of its queries uses.',
})
export const STATE_TTL = option.duration({
  key: 'table.exec.state.ttl',
  defaultValue: 0,
  description:
    'How long state of a GROUP BY without window, a DISTINCT or UNION is kept after it was written last (processing time); 0: for ever. The hint STATE_TTL sets it for one query.',
})
export const AUTO_WATERMARK_INTERVAL = option.duration({
  key: 'pipeline.auto-watermark-interval',
  defaultValue: 200,
  description:
    'A source sends a watermark after the row that passed the last one by more than this; one that has no end also by a timer. 0: at every increase.',
})
export const PARALLELISM_DEFAULT = option.int({
  key: 'parallelism.default',
  defaultValue: 1,
  description: 'Number of subtasks of an operator that sets none of its own.',
})
export const MAX_PARALLELISM = option.int({
  key: 'pipeline.max-parallelism',
  defaultValue: 128,
  description:
    'Number of key groups: the largest parallelism that the job can ever be rescaled to.',
})
export const OPERATOR_CHAINING = option.boolean({
  key: 'pipeline.operator-chaining.enabled',
  aliases: ['pipeline.operator-chaining'],
  defaultValue: true,
  description: 'Whether operators joined by a forward edge run fused in one subtask.',
})
export const PIPELINE_NAME = option.string<string | undefined>({
  key: 'pipeline.name',
  defaultValue: undefined,
  description: 'The name of the jobs that this session submits.',
})

export const SQL_OPTIONS: readonly ConfigOption<unknown>[] = [
  SOURCE_IDLE_TIMEOUT,
  EMPTY_SPLIT_HOLDS_WATERMARK,
  RUNTIME_MODE,
  EMIT_EARLY_FIRE,
  EMIT_LATE_FIRE,
  NOT_NULL_ENFORCER,
  LOCAL_TIME_ZONE,
  AGG_PHASE_STRATEGY,
  REUSE_SUB_PLANS,
  REUSE_SOURCES,
  STATE_TTL,
  AUTO_WATERMARK_INTERVAL,
  PARALLELISM_DEFAULT,
  MAX_PARALLELISM,
  OPERATOR_CHAINING,
  PIPELINE_NAME,
]
