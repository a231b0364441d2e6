/**
 * Plain-data configurations of the SQL operators: the contract between `sql` (which plans them) and
 * the factories here (which run them).
 *
 * Factory names are the keys of `SQL_OPERATORS`. Column indexes refer to the operator's input
 * unless said otherwise.
 */
import type { LogicalType, Schema } from '@millrace/core'
import type { Expression } from '@millrace/expression'

export const SQL_OPERATORS = {
  tableSource: 'table-source',
  calc: 'calc',
  localWindowAggregate: 'local-window-aggregate',
  globalWindowAggregate: 'global-window-aggregate',
  localGroupAggregate: 'local-group-aggregate',
  groupAggregate: 'group-aggregate',
  watermarkAssigner: 'watermark-assigner',
  tableSink: 'table-sink',
  collectSink: 'collect-sink',
  values: 'values',
} as const

export type SqlOperatorName = (typeof SQL_OPERATORS)[keyof typeof SQL_OPERATORS]

/** Coordinator factories on the JobManager's side. */
export const SQL_COORDINATORS = {
  source: 'source-coordinator',
  collect: 'collect-coordinator',
} as const

/**
 * `table-source`: connector's reader → format decoder → computed columns → per-split watermark →
 * filter and projection → output.
 * Its coordinator (`source-coordinator`) has `{ connector, tableName, config }`.
 */
export interface TableSourceConfig {
  readonly connector: string
  readonly tableName: string
  /** `SourcePlan.config`. */
  readonly config: unknown
  readonly physicalSchema: Schema
  /** Columns that the reader decodes: indexes in `physicalSchema`. */
  readonly projection: readonly number[]
  /** Over the decoded (projected) columns, per split, before the filter; null: no watermark. */
  readonly watermark: WatermarkConfig | null
  /**
   * Over the decoded columns; rows for which it is not TRUE are dropped after the watermark
   * has seen them.
   */
  readonly filter: Expression | null
  /** Output columns over the decoded columns; null: the decoded columns as they are. */
  readonly output: readonly Expression[] | null
  readonly outputSchema: Schema
}

export interface WatermarkConfig {
  /** The row's event time. */
  readonly rowtime: Expression
  /** The watermark that a row implies, e.g. `event_time - INTERVAL '10' SECOND`. */
  readonly watermark: Expression
  /**
   * `scan.watermark.idle-timeout` of the table, else `table.exec.source.idle-timeout`;
   * 0: never idle.
   */
  readonly idleTimeoutMs: number
  /** `scan.watermark.emit.strategy`. */
  readonly emit: 'on-periodic' | 'on-event'
  /**
   * `pipeline.auto-watermark-interval`: a watermark goes out after the row whose watermark passed
   * the last one by more than this; 0: at every increase.
   */
  readonly emitIntervalMs: number
  /**
   * By a timer of that interval as well: the input has no end and may pause. A bounded input has
   * none, so that it gives the same answer at any speed.
   */
  readonly periodic: boolean
  /**
   * Whether a split read to its end that never delivered a record holds the watermark
   * (`table.exec.source.empty-split-holds-watermark`, false by default).
   */
  readonly emptySplitHolds: boolean
}

/** `calc`: filter, then project. */
export interface CalcConfig {
  readonly filter: Expression | null
  readonly output: readonly Expression[]
  readonly outputSchema: Schema
}

export type AggregateFunctionName = 'COUNT' | 'SUM' | 'AVG' | 'MIN' | 'MAX'

export interface AggregateCall {
  readonly function: AggregateFunctionName
  /** COUNT(*) has none. */
  readonly argument: Expression | null
  readonly distinct: boolean
  /** FILTER (WHERE …). */
  readonly filter: Expression | null
  readonly resultType: LogicalType
  /**
   * What it reads (DISTINCT, argument, FILTER), in terms of the sources and stateful operators
   * below: by that its state is found again. Absent: by its place among the calls.
   */
  readonly origin?: string
  /**
   * Where its groups had rows already (`beginLater`) it counts for itself: above 0 what it has seen
   * since it joined them, as what others of the same argument have counted is more; 0 what its
   * argument has been, when it could be NULL before. Absent: all in common.
   */
  readonly since?: number
  /**
   * Its argument could not be NULL before: where its count is not stored, it is that of all rows.
   */
  readonly countedRows?: true
}

export type WindowSpec =
  | { readonly kind: 'tumble'; readonly sizeMs: number; readonly offsetMs: number }
  | {
      readonly kind: 'hop'
      readonly sizeMs: number
      readonly slideMs: number
      readonly offsetMs: number
    }

/** Pseudo-columns that a window aggregate can add after its aggregates. */
export type WindowProperty = 'window_start' | 'window_end' | 'window_time' | 'proctime'

/**
 * `local-window-aggregate` (slice-wise pre-aggregation without state, flushed on watermark, barrier
 * and memory limit), then hash exchange on the key columns, then `global-window-aggregate`.
 *
 * Both take this configuration. The local one's output schema is: key columns, `$slice_end
 * TIMESTAMP(3)`, then the accumulator columns as `accumulatorSchema(config)` gives them (exported
 * by sql-operators, used by the planner for the edge's schema).
 * The global one's output is: key columns, aggregate results, then the window properties.
 */
export interface WindowAggregateConfig {
  /** Input of the *local* phase (the global one needs it for the types). */
  readonly inputSchema: Schema
  readonly keys: readonly Expression[]
  readonly aggregates: readonly AggregateCall[]
  readonly window: WindowSpec
  /** Event time of the row, or null for processing time. */
  readonly rowtime: Expression | null
  readonly properties: readonly WindowProperty[]
  /**
   * False: the global operator takes raw rows itself. There is no local phase with processing time,
   * with `table.optimizer.agg-phase-strategy` = ONE_PHASE, and where `supportsTwoPhase(config)`
   * says no (DISTINCT).
   */
  readonly twoPhase: boolean
  readonly outputSchema: Schema
}

/**
 * `group-aggregate`: unbounded GROUP BY; input may be a changelog; output is a changelog
 * (+I, -U/+U, -D), keys then aggregates. With `twoPhase`, `local-group-aggregate` of the same
 * configuration pre-aggregates before the exchange: key columns, then the accumulator columns of
 * `groupAccumulatorSchema`.
 */
export interface GroupAggregateConfig {
  readonly inputSchema: Schema
  readonly keys: readonly Expression[]
  readonly aggregates: readonly AggregateCall[]
  readonly inputIsChangelog: boolean
  /** Whether an update is −U and +U, or +U alone; the planner says which by what consumers need. */
  readonly emitUpdateBefore: boolean
  /** `table.exec.state.ttl`, ms; 0: for ever. */
  readonly stateTtlMs: number
  /** Rows come from `local-group-aggregate`, as `groupAccumulatorSchema` says. Absent: false. */
  readonly twoPhase?: boolean
  /**
   * Without keys: whether no rows at the end of the input make a row too (COUNT 0, all others
   * NULL), as in BATCH mode. Absent: false.
   */
  readonly answersNoRows?: boolean
  readonly outputSchema: Schema
}

/**
 * `watermark-assigner`: for a rowtime that is computed by a view or a sub-query above the source.
 */
export interface WatermarkAssignerConfig extends WatermarkConfig {
  readonly schema: Schema
}

/** `table-sink`: a connector's writer with commit at checkpoint completion. */
export interface TableSinkConfig {
  readonly connector: string
  readonly tableName: string
  /** `SinkPlan.config`. */
  readonly config: unknown
  readonly schema: Schema
}

/**
 * `collect-sink`, parallelism 1: rows of a SELECT to `collect-coordinator`, page by page, exactly
 * once with checkpoints.
 * Event to the coordinator: `{ offset, rows: [[kind, …JSON values]] }`, answer `{ accepted: boolean
 * }`; client request `{ offset, limit }`, answer `{ rows, nextOffset, ended, error? }`.
 */
export interface CollectSinkConfig {
  readonly schema: Schema
}

/** `values`: bounded literal rows; a SELECT without FROM, or VALUES. */
export interface ValuesConfig {
  readonly rows: readonly (readonly Expression[])[]
  readonly outputSchema: Schema
}
