/**
 * The SQL operators by factory name: what `distribution` puts into a slot's OperatorRegistry.
 *
 * Configurations are plain data out of the JobGraph, made by the planner of the same version; factories trust their
 * shape.
 */
import type { ConnectorRegistry, Format } from '@millrace/connector'
import type { Operator, OperatorFactory, SourceOperator } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { GlobalWindowAggregate } from '../aggregate/global-window-aggregate.ts'
import { GroupAggregate } from '../aggregate/group-aggregate.ts'
import { LocalWindowAggregate } from '../aggregate/local-window-aggregate.ts'
import { SQL_OPERATORS } from '../operator-config.ts'
import { Calc } from '../row/calc.ts'
import { Union } from '../row/union.ts'
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
  return new Map<string, OperatorFactory>([
    [SQL_OPERATORS.tableSource, (c, x) => source(new TableSource(c as never, x, parts))],
    [SQL_OPERATORS.values, (c, x) => source(new Values(c as never, x))],
    [SQL_OPERATORS.calc, (c, x) => operator(new Calc(c as never, x))],
    [SQL_OPERATORS.union, (c, x) => operator(new Union(c as never, x))],
    [SQL_OPERATORS.watermarkAssigner, (c, x) => operator(new WatermarkAssigner(c as never, x))],
    [
      SQL_OPERATORS.localWindowAggregate,
      (c, x) => operator(new LocalWindowAggregate(c as never, x)),
    ],
    [
      SQL_OPERATORS.globalWindowAggregate,
      (c, x) => operator(new GlobalWindowAggregate(c as never, x)),
    ],
    [SQL_OPERATORS.groupAggregate, (c, x) => operator(new GroupAggregate(c as never, x))],
    [SQL_OPERATORS.tableSink, (c, x) => operator(new TableSink(c as never, x, parts))],
    [SQL_OPERATORS.collectSink, (c, x) => operator(new CollectSink(c as never, x))],
  ])
}
