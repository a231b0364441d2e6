/**
 * Which nodes leave out −U: what consumers need, from the sinks down, over the merged plan.
 *
 * Planning gives every update as −U and +U. Where no consumer needs the −U, the node that makes the
 * updates takes its configuration without them and sends half as much. A node with several
 * consumers sends what the most demanding needs.
 */
import { type PhysicalNode, rewritePhysical } from './physical-plan.ts'
import { changesOfAll } from './traits.ts'

/**
 * The plan with each node's configuration and changes as its consumers need them. Nodes are
 * shared as before.
 */
export function decideUpdates(sinks: readonly PhysicalNode[]): PhysicalNode[] {
  const needed = nodesWhoseOldRowsAreNeeded(sinks)
  return rewritePhysical(sinks, (node, original) => withChanges(node, needed.has(original)))
}

function withChanges(node: PhysicalNode, updateBefore: boolean): PhysicalNode {
  const { configWithoutUpdateBefore, inputs, traits } = node
  if (configWithoutUpdateBefore !== undefined) {
    if (updateBefore) return node
    const config = configWithoutUpdateBefore
    return { ...node, config, traits: { ...traits, changes: 'upsert' } }
  }
  const carried = inputs.filter((input) => input.updateBefore === 'as-asked')
  if (carried.length === 0) return node
  const changes = changesOfAll(inputs.map((input) => input.node.traits.changes))
  return { ...node, traits: { ...traits, changes } }
}

function nodesWhoseOldRowsAreNeeded(sinks: readonly PhysicalNode[]): Set<PhysicalNode> {
  const needed = new Set<PhysicalNode>()
  for (const node of consumersFirst(sinks)) {
    for (const input of node.inputs) {
      const asked = input.updateBefore === 'as-asked' && needed.has(node)
      if (asked || input.updateBefore === 'needed') needed.add(input.node)
    }
  }
  return needed
}

/** Every node of the plan once, after all its consumers. */
function consumersFirst(sinks: readonly PhysicalNode[]): PhysicalNode[] {
  const inputsFirst = new Set<PhysicalNode>()
  const visit = (node: PhysicalNode): void => {
    if (inputsFirst.has(node)) return
    for (const input of node.inputs) visit(input.node)
    inputsFirst.add(node)
  }
  for (const sink of sinks) visit(sink)
  return [...inputsFirst].reverse()
}
