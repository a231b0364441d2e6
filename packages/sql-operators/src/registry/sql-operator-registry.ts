/**
 * The SQL operators by factory name: what `distribution` puts into a slot's OperatorRegistry.
 *
 * Configurations are plain data out of the JobGraph: each factory checks their shape
 * (`config-shapes.ts`) and says which tables of keyed state they make.
 */
import type { ConnectorRegistry, Format } from '@millrace/connector'
import {
  configParser,
  type Operator,
  type OperatorFactory,
  type OperatorParts,
  operatorFactory,
  type Shape,
  type SourceOperator,
} from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { aggregateStates } from '../aggregate/accumulate/aggregate-state.ts'
import { GroupAggregate } from '../aggregate/group/group-aggregate.ts'
import { LocalGroupAggregate } from '../aggregate/group/local-group-aggregate.ts'
import { GlobalWindowAggregate } from '../aggregate/window/global-window-aggregate.ts'
import { LocalWindowAggregate } from '../aggregate/window/local-window-aggregate.ts'
import {
  CALC,
  COLLECT_SINK,
  GROUP_AGGREGATE,
  TABLE_SINK,
  TABLE_SOURCE,
  VALUES,
  WATERMARK_ASSIGNER,
  WINDOW_AGGREGATE,
} from '../config-shapes.ts'
import {
  type GroupAggregateConfig,
  SQL_OPERATORS,
  type SqlOperatorName,
  type WindowAggregateConfig,
} from '../operator-config.ts'
import { Calc } from '../row/calc.ts'
import { Values } from '../row/values.ts'
import { CollectSink } from '../sink/collect-sink.ts'
import { TableSink } from '../sink/table-sink.ts'
import { TableSource } from '../source/table-source.ts'
import { WatermarkAssigner } from '../source/watermark-assigner.ts'

export interface SqlOperatorParts {
  readonly connectors: ConnectorRegistry
  readonly formats: ReadonlyMap<string, Format>
  /** Handed to connectors' readers and writers. */
  readonly platform: Platform
}

const source = (operator: SourceOperator) => ({ kind: 'source', operator }) as const
const operator = (made: Operator) => ({ kind: 'operator', operator: made }) as const

/** Factory name (`SQL_OPERATORS`) → factory. */
export function createSqlOperatorRegistry(parts: SqlOperatorParts): Map<string, OperatorFactory> {
  const factories: Record<SqlOperatorName, OperatorFactory> = {
    [SQL_OPERATORS.tableSource]: stateless(TABLE_SOURCE, (c, x) =>
      source(new TableSource(c, x, parts)),
    ),
    [SQL_OPERATORS.values]: stateless(VALUES, (c, x) => source(new Values(c, x))),
    [SQL_OPERATORS.calc]: stateless(CALC, (c, x) => operator(new Calc(c, x))),
    [SQL_OPERATORS.watermarkAssigner]: stateless(WATERMARK_ASSIGNER, (c, x) =>
      operator(new WatermarkAssigner(c, x)),
    ),
    [SQL_OPERATORS.localWindowAggregate]: stateless(WINDOW_AGGREGATE, (c, x) =>
      operator(new LocalWindowAggregate(c, x)),
    ),
    [SQL_OPERATORS.globalWindowAggregate]: operatorFactory<WindowAggregateConfig>({
      parse: configParser(WINDOW_AGGREGATE),
      states: aggregateStates,
      create: (c, x) => operator(new GlobalWindowAggregate(c, x)),
    }),
    [SQL_OPERATORS.localGroupAggregate]: stateless(GROUP_AGGREGATE, (c, x) =>
      operator(new LocalGroupAggregate(c, x)),
    ),
    [SQL_OPERATORS.groupAggregate]: operatorFactory<GroupAggregateConfig>({
      parse: configParser(GROUP_AGGREGATE),
      states: aggregateStates,
      create: (c, x) => operator(new GroupAggregate(c, x)),
    }),
    [SQL_OPERATORS.tableSink]: stateless(TABLE_SINK, (c, x) =>
      operator(new TableSink(c, x, parts)),
    ),
    [SQL_OPERATORS.collectSink]: stateless(COLLECT_SINK, (c, x) => operator(new CollectSink(c, x))),
  }
  return new Map(Object.entries(factories))
}

/** Of an operator that keeps nothing by key. */
function stateless<C>(shape: Shape<C>, create: OperatorParts<C>['create']): OperatorFactory {
  return operatorFactory({ parse: configParser(shape), states: () => [], create })
}
