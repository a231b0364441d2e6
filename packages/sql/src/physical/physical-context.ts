/**
 * What physical planning reads: connectors, formats, the session's configuration; and the exchange
 * between two operators.
 */
import type { ConnectorRegistry, Format } from '@millrace/connector'
import type { Configuration } from '@millrace/core'
import type { Partitioning } from '@millrace/graph'
import { raise } from '../error-codes.ts'
import { MAX_PARALLELISM, PARALLELISM_DEFAULT } from '../sql-options.ts'
import type { PhysicalInput, PhysicalNode } from './physical-plan.ts'
import { isHashedBy } from './traits.ts'

export interface PhysicalContext {
  readonly connectors: ConnectorRegistry
  readonly formats: ReadonlyMap<string, Format>
  readonly configuration: Configuration
}

/** `parallelism.default`, checked against `pipeline.max-parallelism`. */
export function defaultParallelism(context: PhysicalContext): number {
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
  context: PhysicalContext,
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

/**
 * Rows of `node` to `parallelism` subtasks. Changes of one row take one way, so that they stay in
 * order: by an upsert key, which −U and +U have in common; rows without one are only ever taken
 * away as they came, so all columns say the way.
 */
export function exchange(
  node: PhysicalNode,
  parallelism: number,
  updateBefore: PhysicalInput['updateBefore'],
): PhysicalInput {
  const { changes, upsertKeys } = node.traits
  const byRow = changes !== 'insert' && parallelism > 1
  const keyColumns = upsertKeys[0] ?? node.schema.fields.map((_, i) => i)
  const partitioning: Partitioning =
    node.parallelism === parallelism
      ? forwardOf(node)
      : byRow
        ? { kind: 'hash', keyColumns }
        : { kind: 'rebalance' }
  return { node, partitioning, updateBefore }
}

/**
 * Rows of `node` from subtask to subtask. Changes have to stay in order, and rows that lie by a key
 * have to go on doing so; everything else might as well be dealt anew.
 */
export function forwardOf({ traits }: PhysicalNode): Partitioning {
  const required = traits.changes !== 'insert' || traits.distribution.kind === 'hash'
  return { kind: 'forward', required }
}

/**
 * Rows of `node` by key: through a hash exchange, or as they lie where they lie that way already.
 */
export function exchangeByKey(
  node: PhysicalNode,
  keyColumns: readonly number[],
  parallelism: number,
  updateBefore: PhysicalInput['updateBefore'],
): PhysicalInput {
  const there = node.parallelism === parallelism && isHashedBy(node.traits.distribution, keyColumns)
  return {
    node,
    partitioning: there ? { kind: 'forward', required: true } : { kind: 'hash', keyColumns },
    updateBefore,
  }
}

export function describeColumns(columns: readonly { readonly name: string }[]): string {
  return `[${columns.map((column) => column.name).join(', ')}]`
}
