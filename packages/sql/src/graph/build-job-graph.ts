/**
 * Physical plan → JobGraph: operators get their ids, chains become vertices, what crosses between them becomes edges.
 *
 * Operators joined by a forward edge at equal parallelism run fused in one vertex. Ids come from the query's
 * structure alone, not from
 * parallelism or options, so that state finds its operator again after a change of those.
 */
import { type Configuration, stableId } from '@millrace/core'
import type { JobEdge, JobGraph, JobVertex, OperatorDescriptor } from '@millrace/graph'
import { SQL_OPERATORS } from '@millrace/sql-operators'
import type { PhysicalNode } from '../physical/physical-plan.ts'
import { MAX_PARALLELISM, OPERATOR_CHAINING } from '../sql-options.ts'

const SLOT_SHARING_GROUP = 'default'

export interface JobGraphSettings {
  readonly jobId: string
  readonly name: string
  readonly configuration: Configuration
}

interface Placed {
  readonly vertex: Chain
  readonly operator: number
}
interface Chain {
  readonly id: string
  readonly parallelism: number
  readonly operators: OperatorDescriptor[]
  gates: number
}

/** The job that runs everything up to `sinks`. */
export function buildJobGraph(
  sinks: readonly PhysicalNode[],
  settings: JobGraphSettings,
): JobGraph {
  const builder = new JobGraphBuilder(settings)
  for (const sink of sinks) builder.place(sink)
  return builder.finish()
}

class JobGraphBuilder {
  readonly #settings: JobGraphSettings
  readonly #chaining: boolean
  readonly #placed = new Map<PhysicalNode, Placed>()
  readonly #ids = new Set<string>()
  readonly #chains: Chain[] = []
  readonly #edges: JobEdge[] = []
  #operatorCount = 0

  constructor(settings: JobGraphSettings) {
    this.#settings = settings
    this.#chaining = settings.configuration.get(OPERATOR_CHAINING)
  }

  /** Puts the node's inputs, then the node, into chains. */
  place(node: PhysicalNode): Placed {
    const known = this.#placed.get(node)
    if (known !== undefined) return known
    const inputs = node.inputs.map((input) => this.place(input.node))
    const id = this.#operatorId(node, inputs)
    const [first] = inputs
    const chained = first !== undefined && this.#isChained(node) ? first : null
    const vertex = chained?.vertex ?? this.#newChain(id, node)
    const placed: Placed = { vertex, operator: vertex.operators.length }
    vertex.operators.push({
      id,
      name: `${node.title}[${++this.#operatorCount}]`,
      factory: node.factory,
      config: node.config,
      inputs:
        chained !== null
          ? [chained.operator]
          : inputs.map((input, i) => this.#connect(input, placed.vertex, node, i)),
      outputSchema: node.schema,
      ...(node.coordinator === undefined ? {} : { coordinator: node.coordinator }),
    })
    this.#placed.set(node, placed)
    return placed
  }

  finish(): JobGraph {
    const { jobId, name, configuration } = this.#settings
    const maxParallelism = configuration.get(MAX_PARALLELISM)
    const vertices = this.#chains.map((chain): JobVertex => {
      const { id, parallelism, operators } = chain
      return {
        id,
        name: operators.map((operator) => operator.name).join(' -> '),
        parallelism,
        maxParallelism,
        slotSharingGroup: SLOT_SHARING_GROUP,
        operators,
      }
    })
    return {
      jobId,
      name,
      vertices,
      edges: this.#edges,
      configuration: configuration.toObject(),
      jobType: 'STREAMING',
    }
  }

  /** A union reads its inputs through gates: each may be a chain of its own. */
  #isChained(node: PhysicalNode): boolean {
    const [input] = node.inputs
    return (
      this.#chaining &&
      node.factory !== SQL_OPERATORS.union &&
      node.inputs.length === 1 &&
      input?.partitioning.kind === 'forward' &&
      input.node.parallelism === node.parallelism
    )
  }

  #newChain(operatorId: string, node: PhysicalNode): Chain {
    const id = stableId(`vertex ${operatorId}`)
    const chain: Chain = { id, parallelism: node.parallelism, operators: [], gates: 0 }
    this.#chains.push(chain)
    return chain
  }

  #connect(from: Placed, to: Chain, node: PhysicalNode, index: number): { gate: number } {
    const input = node.inputs[index]!
    const gate = to.gates++
    this.#edges.push({
      sourceVertexId: from.vertex.id,
      sourceOperator: from.operator,
      targetVertexId: to.id,
      targetGate: gate,
      partitioning: input.partitioning,
      schema: input.node.schema,
    })
    return { gate }
  }

  #operatorId(node: PhysicalNode, inputs: readonly Placed[]): string {
    const above = inputs.map(({ vertex, operator }) => vertex.operators[operator]?.id)
    const structure = `${node.factory} ${node.identity} (${above.join(', ')})`
    let id = stableId(structure)
    for (let n = 2; this.#ids.has(id); n++) id = stableId(`${structure} ${n}`)
    this.#ids.add(id)
    return id
  }
}
