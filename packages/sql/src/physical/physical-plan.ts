/**
 * The physical plan: one node an operator of the job, with its configuration, its parallelism and
 * how rows reach it.
 *
 * Made from the optimized logical plan bottom-up, each node with what it gives (`traits`) and what
 * it needs of its inputs. Then sources and equal parts become one (`share-sources.ts`,
 * `merge-equal.ts`) and what is needed is decided top-down (`decide-updates.ts`). Cut into vertices
 * by `graph`. A node that several consumers read is one object.
 */
import type { Schema } from '@millrace/core'
import type { Chaining, Partitioning } from '@millrace/graph'
import type { Lineage } from './lineage.ts'
import type { Traits } from './traits.ts'

/**
 * `PhysicalNode.factory` of UNION ALL, which is no operator: everything that feeds it feeds the
 * input that reads it.
 */
export const UNION_ALL = 'union-all'

export interface PhysicalInput {
  readonly node: PhysicalNode
  readonly partitioning: Partitioning
  /**
   * Whether the node needs the −U of its input's updates: always, never, or when a consumer of its
   * own does (it sends rows on as they come).
   */
  readonly updateBefore: 'needed' | 'as-asked' | 'not-needed'
}

export interface PhysicalNode {
  /** For people: `GlobalWindowAggregate`; the operator's name is this with its number. */
  readonly title: string
  /** What EXPLAIN shows in parentheses, in the reference engine's manner. */
  readonly details: string
  /** Factory name in the operator registry. */
  readonly factory: string
  readonly config: unknown
  /** Its configuration when no consumer needs −U; absent: it makes no updates. */
  readonly configWithoutUpdateBefore?: unknown
  readonly coordinator?: { readonly factory: string; readonly config: unknown }
  /**
   * What its state is made of, in terms of what lies below: its id is derived from it, so that
   * state finds its operator again after a change of the statement. Null: it keeps none, and no id
   * of another operator depends on it.
   */
  readonly identity: string | null
  /** Of a source that goes by what it reads. */
  readonly reads?: { readonly byTableName: string; readonly what: readonly string[] }
  /** Which rows go into its state: tells it from others that are made of the same. Absent: all. */
  readonly filter?: string
  /** What is kept of them, as `filter`. Absent: what `identity` says. */
  readonly content?: string
  /** What its state is made of, for people, by part: `keys` → `name`. */
  readonly madeOf?: Readonly<Record<string, string>>
  readonly lineage: Lineage
  readonly schema: Schema
  readonly parallelism: number
  /** Only ever in one subtask, whatever parallelism the job comes to. Absent: not. */
  readonly single?: true
  readonly inputs: readonly PhysicalInput[]
  /** Goes into its descriptor, by which chains are made. Absent: `always`. */
  readonly chaining?: Chaining
  readonly traits: Traits
}

/**
 * The plan with `rewrite` asked once at every node, inputs first: it is given the node over its
 * rewritten inputs (the very node when they are as before), and the node as it was. What was
 * shared stays shared.
 */
export function rewritePhysical(
  sinks: readonly PhysicalNode[],
  rewrite: (node: PhysicalNode, original: PhysicalNode) => PhysicalNode,
): PhysicalNode[] {
  const done = new Map<PhysicalNode, PhysicalNode>()
  const visit = (original: PhysicalNode): PhysicalNode => {
    const known = done.get(original)
    if (known !== undefined) return known
    const inputs = original.inputs.map((input) => {
      const node = visit(input.node)
      return node === input.node ? input : { ...input, node }
    })
    const same = inputs.every((input, i) => input === original.inputs[i])
    const made = rewrite(same ? original : { ...original, inputs }, original)
    done.set(original, made)
    return made
  }
  return sinks.map(visit)
}

/** `Calc(select=[a, b])`, with further attributes after its own. */
export function describeNode(node: PhysicalNode, ...attributes: readonly string[]): string {
  return `${node.title}(${[node.details, ...attributes].join(', ')})`
}
