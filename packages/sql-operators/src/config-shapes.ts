/**
 * The shapes of the configurations in `operator-config.ts`: what the factories check before an
 * operator acts on them. A field that is added there has to be added here to compile.
 */
import {
  anything,
  constant,
  finite,
  flag,
  LOGICAL_TYPE,
  list,
  natural,
  nullable,
  oneOf,
  optional,
  record,
  SCHEMA,
  text,
  variants,
} from '@millrace/core'
import { EXPRESSION } from '@millrace/expression'
import type {
  AggregateCall,
  AggregateFunctionName,
  CalcConfig,
  CollectSinkConfig,
  GroupAggregateConfig,
  TableSinkConfig,
  TableSourceConfig,
  ValuesConfig,
  WatermarkAssignerConfig,
  WatermarkConfig,
  WindowAggregateConfig,
  WindowProperty,
  WindowSpec,
} from './operator-config.ts'
import type { CollectCoordinatorConfig } from './sink/collect-coordinator.ts'
import type { SourceCoordinatorConfig } from './source/source-coordinator.ts'

const watermark = {
  rowtime: EXPRESSION,
  watermark: EXPRESSION,
  idleTimeoutMs: finite,
  emit: oneOf<WatermarkConfig['emit']>({ 'on-periodic': true, 'on-event': true }),
  emitIntervalMs: finite,
  periodic: flag,
  emptySplitHolds: flag,
}

export const TABLE_SOURCE = record<TableSourceConfig>({
  connector: text,
  tableName: text,
  config: anything,
  physicalSchema: SCHEMA,
  projection: list(natural),
  watermark: nullable(record<WatermarkConfig>(watermark)),
  filter: nullable(EXPRESSION),
  output: nullable(list(EXPRESSION)),
  outputSchema: SCHEMA,
})

export const WATERMARK_ASSIGNER = record<WatermarkAssignerConfig>({ ...watermark, schema: SCHEMA })

export const VALUES = record<ValuesConfig>({ rows: list(list(EXPRESSION)), outputSchema: SCHEMA })

export const CALC = record<CalcConfig>({
  filter: nullable(EXPRESSION),
  output: list(EXPRESSION),
  outputSchema: SCHEMA,
})

const aggregateCall = record<AggregateCall>({
  function: oneOf<AggregateFunctionName>({
    COUNT: true,
    SUM: true,
    AVG: true,
    MIN: true,
    MAX: true,
  }),
  argument: nullable(EXPRESSION),
  distinct: flag,
  filter: nullable(EXPRESSION),
  resultType: LOGICAL_TYPE,
  origin: optional(text),
  since: optional(natural),
  countedRows: optional(constant(true)),
})

export const WINDOW_AGGREGATE = record<WindowAggregateConfig>({
  inputSchema: SCHEMA,
  keys: list(EXPRESSION),
  aggregates: list(aggregateCall),
  window: variants<WindowSpec>({
    tumble: { sizeMs: finite, offsetMs: finite },
    hop: { sizeMs: finite, slideMs: finite, offsetMs: finite },
  }),
  rowtime: nullable(EXPRESSION),
  properties: list(
    oneOf<WindowProperty>({
      window_start: true,
      window_end: true,
      window_time: true,
      proctime: true,
    }),
  ),
  twoPhase: flag,
  outputSchema: SCHEMA,
})

export const GROUP_AGGREGATE = record<GroupAggregateConfig>({
  inputSchema: SCHEMA,
  keys: list(EXPRESSION),
  aggregates: list(aggregateCall),
  inputIsChangelog: flag,
  emitUpdateBefore: flag,
  stateTtlMs: finite,
  twoPhase: optional(flag),
  answersNoRows: optional(flag),
  outputSchema: SCHEMA,
})

export const TABLE_SINK = record<TableSinkConfig>({
  connector: text,
  tableName: text,
  config: anything,
  schema: SCHEMA,
})

export const COLLECT_SINK = record<CollectSinkConfig>({ schema: SCHEMA })

export const SOURCE_COORDINATOR = record<SourceCoordinatorConfig>({
  connector: text,
  tableName: text,
  config: anything,
})

export const COLLECT_COORDINATOR = record<CollectCoordinatorConfig>({
  bufferRowsMax: optional(natural),
  clientTimeoutMs: optional(finite),
})
