/**
 * What physical planning reads: connectors, formats, the session's configuration; and the exchange between
 * two operators.
 */
import type { ConnectorRegistry, Format } from '@millrace/connector'
import type { Configuration } from '@millrace/core'
import type { Partitioning } from '@millrace/graph'
import { raise } from '../error-codes.ts'
import { MAX_PARALLELISM, PARALLELISM_DEFAULT } from '../sql-options.ts'
import type { PhysicalInput, PhysicalNode } from './physical-plan.ts'

export interface PlannerContext {
  readonly connectors: ConnectorRegistry
  readonly formats: ReadonlyMap<string, Format>
  readonly configuration: Configuration
}

/** `parallelism.default`, checked against `pipeline.max-parallelism`. */
export function defaultParallelism(context: PlannerContext): number {
  return checkedParallelism(
    context.configuration.get(PARALLELISM_DEFAULT),
    'parallelism.default',
    context,
  )
}

/** `parallelism` if it is between 1 and the maximum. Throws SQL_INVALID that names the option. */
export function checkedParallelism(
  parallelism: number,
  option: string,
  context: PlannerContext,
): number {
  const max = context.configuration.get(MAX_PARALLELISM)
  if (max < 1 || max > 32_768) {
    throw raise('SQL_INVALID', null, `Set 'pipeline.max-parallelism' to 1 … 32768; it is ${max}.`)
  }
  if (parallelism >= 1 && parallelism <= max) return parallelism
  throw raise(
    'SQL_INVALID',
    null,
    `Set '${option}' to 1 … ${max} ('pipeline.max-parallelism'); it is ${parallelism}.`,
  )
}

/** Rows of `node` to `parallelism` subtasks; updates of one row take one way, so that they stay in order. */
export function exchange(node: PhysicalNode, parallelism: number): PhysicalInput {
  const partitioning: Partitioning =
    node.parallelism === parallelism
      ? { kind: 'forward' }
      : node.updatedBy !== null && parallelism > 1
        ? { kind: 'hash', keyColumns: node.schema.fields.map((_, i) => i) }
        : { kind: 'rebalance' }
  return { node, partitioning }
}

export function describeColumns(columns: readonly { readonly name: string }[]): string {
  return `[${columns.map((column) => column.name).join(', ')}]`
}
