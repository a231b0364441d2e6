/**
 * Physical plan → JobGraph: operators get their ids, chains become vertices, what crosses between
 * them becomes edges.
 *
 * Operators joined by a forward edge at equal parallelism run fused in one vertex. An id comes from
 * what the state of the operator is made of and from which rows go into it, over the sources and
 * stateful operators below; not from what computes in between, nor from parallelism, options, or
 * what else the job has: INSERTs before and behind rename nothing.
 */
import {
  type Configuration,
  operatorContent,
  operatorFilter,
  operatorId,
  operatorIdentity,
  stableId,
  type TableNamedId,
} from '@millrace/core'
import {
  forwardIsRequired,
  JOB_GRAPH_VERSION,
  type JobEdge,
  type JobGraph,
  type JobVertex,
  type OperatorDescriptor,
  type Partitioning,
} from '@millrace/graph'
import { type PhysicalInput, type PhysicalNode, UNION_ALL } from '../physical/physical-plan.ts'
import { MAX_PARALLELISM, OPERATOR_CHAINING } from '../sql-options.ts'
import { statesOf } from './operator-states.ts'

const SLOT_SHARING_GROUP = 'default'

export interface JobGraphSettings {
  readonly jobId: string
  readonly name: string
  readonly configuration: Configuration
}

interface Placed {
  readonly vertex: Chain
  readonly operator: number
  /**
   * Ids of the sources and stateful operators that its rows come from, itself or the nearest
   * below; sorted.
   */
  readonly origins: readonly string[]
}
/** An operator that an input reads, and how its rows get there. */
interface Feed extends Placed {
  readonly partitioning: Partitioning
}
interface Chain {
  readonly id: string
  readonly parallelism: number
  readonly operators: OperatorDescriptor[]
  gates: number
  single: boolean
}

/** The job that runs everything up to `sinks`. */
export function buildJobGraph(
  sinks: readonly PhysicalNode[],
  settings: JobGraphSettings,
): JobGraph {
  const builder = new JobGraphBuilder(sinks, settings)
  for (const sink of sinks) builder.place(sink)
  return builder.finish()
}

class JobGraphBuilder {
  readonly #sinks: ReadonlySet<PhysicalNode>
  readonly #settings: JobGraphSettings
  readonly #chaining: boolean
  readonly #placed = new Map<PhysicalNode, Placed>()
  readonly #ids = new Set<string>()
  /** By the id that each operator has. */
  readonly #byTableName = new Map<string, TableNamedId>()
  readonly #chains: Chain[] = []
  readonly #edges: JobEdge[] = []
  #operatorCount = 0

  constructor(sinks: readonly PhysicalNode[], settings: JobGraphSettings) {
    this.#sinks = new Set(sinks)
    this.#settings = settings
    this.#chaining = settings.configuration.get(OPERATOR_CHAINING)
  }

  /** Puts the node's inputs, then the node, into chains. */
  place(node: PhysicalNode): Placed {
    const known = this.#placed.get(node)
    if (known !== undefined) return known
    const inputs = node.inputs.map((input) => this.#feeds(input))
    const below = originsOf(inputs.flat())
    const id = this.#operatorId(node, below)
    const [first] = inputs.flat()
    const chained = first !== undefined && this.#isChained(node) ? first : null
    const vertex = chained?.vertex ?? this.#newChain(id, node)
    const origins = node.identity === null ? below : [id]
    if (isSingle(node)) vertex.single = true
    const placed: Placed = { vertex, operator: vertex.operators.length, origins }
    vertex.operators.push({
      id,
      name: `${node.title}[${++this.#operatorCount}]`,
      factory: node.factory,
      config: node.config,
      inputs:
        chained !== null
          ? [chained.operator]
          : inputs.map((feeds, i) => this.#connect(feeds, placed.vertex, node, i)),
      outputSchema: node.schema,
      ...(node.chaining === undefined ? {} : { chaining: node.chaining }),
      ...(node.identity === null ? {} : { stateful: true }),
      ...statesOf(node.factory, node.config),
      ...(node.madeOf === undefined ? {} : { madeOf: node.madeOf }),
      ...this.#tableNamed(id),
      ...(node.coordinator === undefined ? {} : { coordinator: node.coordinator }),
    })
    this.#placed.set(node, placed)
    return placed
  }

  finish(): JobGraph {
    const { jobId, name, configuration } = this.#settings
    const maxParallelism = configuration.get(MAX_PARALLELISM)
    this.#spreadSingle()
    const vertices = this.#chains.map((chain): JobVertex => {
      const { id, parallelism, operators, single } = chain
      return {
        id,
        name: chainName(operators),
        parallelism,
        maxParallelism,
        ...(single ? { single } : {}),
        slotSharingGroup: SLOT_SHARING_GROUP,
        operators,
      }
    })
    return {
      formatVersion: JOB_GRAPH_VERSION,
      jobId,
      name,
      vertices,
      edges: this.#edges,
      configuration: configuration.toObject(),
      jobType: 'STREAMING',
    }
  }

  /** What rows go forward to from one that stays single, or from, stays single with it. */
  #spreadSingle(): void {
    const chainOf = new Map(this.#chains.map((chain) => [chain.id, chain]))
    const joined = this.#edges.flatMap(({ partitioning, sourceVertexId, targetVertexId }) => {
      if (!forwardIsRequired(partitioning)) return []
      return [[chainOf.get(sourceVertexId) as Chain, chainOf.get(targetVertexId) as Chain] as const]
    })
    for (let changed = true; changed; ) {
      changed = false
      for (const pair of joined) {
        if (pair[0].single === pair[1].single) continue
        for (const chain of pair) chain.single = true
        changed = true
      }
    }
  }

  /** One operator, or all that UNION ALL brings together: several edges into one gate. */
  #feeds({ node, partitioning }: PhysicalInput): Feed[] {
    if (node.factory !== UNION_ALL) return [{ ...this.place(node), partitioning }]
    const feeds = node.inputs.flatMap((input) => this.#feeds(input))
    // What is sent on as it came takes the way that it took to get here.
    const goesOn = partitioning.kind === 'forward'
    const isRequired = forwardIsRequired(partitioning)
    return feeds.map((feed) => ({
      ...feed,
      partitioning: !goesOn
        ? partitioning
        : isRequired && feed.partitioning.kind === 'forward'
          ? { kind: 'forward', required: true }
          : feed.partitioning,
    }))
  }

  #isChained(node: PhysicalNode): boolean {
    const [input] = node.inputs
    return (
      this.#chaining &&
      node.chaining !== 'head' &&
      node.inputs.length === 1 &&
      input?.partitioning.kind === 'forward' &&
      input.node.factory !== UNION_ALL &&
      input.node.parallelism === node.parallelism
    )
  }

  #newChain(operatorId: string, node: PhysicalNode): Chain {
    const id = stableId(`vertex ${operatorId}`)
    const { parallelism } = node
    const chain: Chain = { id, parallelism, operators: [], gates: 0, single: false }
    this.#chains.push(chain)
    return chain
  }

  #connect(feeds: readonly Feed[], to: Chain, node: PhysicalNode, index: number): { gate: number } {
    const { schema } = node.inputs[index]!.node
    const gate = to.gates++
    for (const { vertex, operator, partitioning } of feeds) {
      this.#edges.push({
        sourceVertexId: vertex.id,
        sourceOperator: operator,
        targetVertexId: to.id,
        targetGate: gate,
        partitioning,
        type: { kind: 'columns', schema },
      })
    }
    return { gate }
  }

  /** A sink's committables belong to its table, whatever is written to it now. */
  #operatorId(node: PhysicalNode, below: readonly string[]): string {
    const inputs = this.#sinks.has(node) ? [] : below
    const id = idAmong(this.#ids, node, inputs)
    this.#ids.add(id)
    const named = inputs.flatMap((input) => this.#byTableName.get(input) ?? [])
    const { byTableName, what = [] } = node.reads ?? {}
    const known = new Set([...this.#byTableName.values()].map((each) => each.id))
    const source = byTableName === undefined ? {} : { identity: byTableName, content: '' }
    const formerInputs = [...new Set(named.map((each) => each.id))].sort()
    const reads = [...new Set([...what, ...named.flatMap((each) => each.reads)])].sort()
    this.#byTableName.set(id, { id: idAmong(known, { ...node, ...source }, formerInputs), reads })
    return id
  }

  /** Where it is another than its id. */
  #tableNamed(id: string): { readonly byTableName?: TableNamedId } {
    const named = this.#byTableName.get(id)
    return named === undefined || named.id === id ? {} : { byTableName: named }
  }
}

/** The first of them that no other operator has. */
function idAmong(
  known: ReadonlySet<string>,
  node: PhysicalNode,
  inputs: readonly string[],
): string {
  const identity = `${node.factory} ${node.identity ?? ''} (${inputs.map(operatorIdentity)})`
  const filter = `${node.filter ?? ''} (${inputs.map(operatorFilter)})`
  const content = `${node.content ?? ''} (${inputs.map(operatorContent)})`
  let id = operatorId(identity, filter, content)
  for (let n = 2; known.has(id); n++) id = operatorId(`${identity} ${n}`, filter, content)
  return id
}

/**
 * Changes that come together from several subtasks in one are in order there only because there is
 * no other.
 */
function isSingle({ single, parallelism, inputs }: PhysicalNode): boolean {
  const gathers = inputs.some(({ partitioning, node }) => {
    return partitioning.kind === 'rebalance' && node.traits.changes !== 'insert'
  })
  return single === true || (parallelism === 1 && gathers)
}

function originsOf(inputs: readonly Placed[]): string[] {
  return [...new Set(inputs.flatMap(({ origins }) => origins))].sort()
}

/** `a -> b`; `a -> (b -> c, d)` where several operators read one. */
function chainName(operators: readonly OperatorDescriptor[], from = 0): string {
  const readers = operators.flatMap(({ inputs }, i) => (inputs.includes(from) ? [i] : []))
  const names = readers.map((reader) => chainName(operators, reader))
  const name = operators[from]?.name ?? ''
  if (names.length === 0) return name
  return `${name} -> ${names.length === 1 ? names[0] : `(${names.join(', ')})`}`
}
