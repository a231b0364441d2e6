/**
 * Equal parts of a plan become one: a view or a name of WITH that is used twice is computed once
 * and read twice.
 *
 * Equal is what has the same configuration in full over the same inputs; unlike an operator's
 * identity, by which its state is found, this tells a changed option or filter apart. Sinks
 * stay apart (two INSERTs write twice), and so does what reads the clock: each mention has
 * its own value.
 */
import type { Schema } from '@millrace/core'
import { functionOf } from '@millrace/expression'
import { type PhysicalNode, rewritePhysical } from './physical-plan.ts'

export function mergeEqual(sinks: readonly PhysicalNode[]): PhysicalNode[] {
  const ends = new Set(sinks)
  const byDigest = new Map<string, PhysicalNode>()
  const numbers = new Map<PhysicalNode, number>()
  return rewritePhysical(sinks, (node, original) => {
    if (!ends.has(original) && isRepeatable(node.config)) {
      const digest = digestOf(node, numbers)
      const known = byDigest.get(digest)
      if (known !== undefined) return known
      byDigest.set(digest, node)
    }
    numbers.set(node, numbers.size)
    return node
  })
}

/** Everything that what the node gives depends on; its inputs by number. */
function digestOf(node: PhysicalNode, numbers: ReadonlyMap<PhysicalNode, number>): string {
  const { factory, config, coordinator, parallelism, inputs } = node
  const read = inputs.map((input) => [numbers.get(input.node), input.partitioning])
  const parts = [factory, digestOfConfig(config), coordinator ?? null, parallelism, read]
  return JSON.stringify(parts)
}

/**
 * A configuration without the names of columns between operators, which refer to each
 * other by place.
 */
export function digestOfConfig(config: unknown): string {
  return JSON.stringify(config, (key, value) =>
    key === 'inputSchema' || key === 'outputSchema'
      ? (value as Schema).fields.map(({ type }) => type)
      : value,
  )
}

/**
 * Whether no expression in it reads the clock: configurations are plain data, so all of them are
 * looked through alike.
 */
export function isRepeatable(part: unknown): boolean {
  if (typeof part !== 'object' || part === null) return true
  const { kind, function: name } = part as { kind?: unknown; function?: unknown }
  if (kind === 'call' && typeof name === 'string' && functionOf(name).deterministic === false) {
    return false
  }
  return Object.values(part).every(isRepeatable)
}
