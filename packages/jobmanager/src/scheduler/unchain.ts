/**
 * Rows that were on their way between two operators which are one chain now: the round that starts
 * from them keeps the edge on which they were. Pure.
 *
 * Without it nobody could take them: what reads a gate replays them before anything new, and an
 * operator inside a chain has none. The edge is as the checkpoint has it, so rows go as they went,
 * at whatever parallelism. A round that starts from a checkpoint without such rows has the chain.
 */
import { stableId } from '@millrace/core'
import type { JobEdge, JobGraph, JobVertex, OperatorDescriptor } from '@millrace/graph'
import { type CheckpointManifest, claimsOf, heldEdges } from '@millrace/state'
import { channelEdges, operatorsOf } from './channel-edges.ts'

/** An edge within a chain, by the operator that reads it. */
export interface ChainCut {
  /** Of the chain. */
  readonly vertexId: string
  readonly operatorId: string
  readonly partitioning: JobEdge['partitioning']
  readonly type: JobEdge['type']
}

export function chainCuts(graph: JobGraph, manifest: CheckpointManifest): ChainCut[] {
  const { inFlight } = manifest
  if (inFlight === undefined) return []
  const claims = claimsOf(manifest, operatorsOf(graph))
  const nowOf = (id: string) => claims.get(id) ?? id
  const present = new Set(
    channelEdges(graph).map(({ source, target }) => `${source.operatorId} ${target.operatorId}`),
  )
  const cuts = new Map<string, ChainCut>()
  for (const { source, target, type, partitioning } of heldEdges(inFlight)) {
    const [from, to] = [nowOf(source.operatorId), nowOf(target.operatorId)]
    if (present.has(`${from} ${to}`)) continue
    const found = readerInChain(graph, from, to)
    if (found === null || !isCuttable(found, type)) continue
    const { vertex, reader } = found
    const cut = { vertexId: vertex.id, operatorId: reader.id, type }
    cuts.set(reader.id, { ...cut, partitioning: partitioning as JobEdge['partitioning'] })
  }
  return [...cuts.values()]
}

interface ChainedReader {
  readonly vertex: JobVertex
  readonly producer: OperatorDescriptor
  readonly reader: OperatorDescriptor
}

/** `to` where it stands right behind `from`, or else the only one that does. */
function readerInChain({ vertices }: JobGraph, from: string, to: string): ChainedReader | null {
  for (const vertex of vertices) {
    const place = vertex.operators.findIndex(({ id }) => id === from)
    const producer = vertex.operators[place]
    if (producer === undefined) continue
    const readers = vertex.operators.filter(({ inputs }) => inputs.includes(place))
    const meant = readers.filter(({ id }) => id === to)
    const [reader, ...more] = meant.length > 0 ? meant : readers
    return reader === undefined || more.length > 0 ? null : { vertex, producer, reader }
  }
  return null
}

/** Only what reads nothing else, and whom nobody in the JobManager knows by its vertex. */
function isCuttable({ vertex, producer, reader }: ChainedReader, type: JobEdge['type']): boolean {
  if (type.kind !== 'columns') return false
  if (JSON.stringify(type.schema) !== JSON.stringify(producer.outputSchema)) return false
  const moved = behind(vertex, vertex.operators.indexOf(reader))
  return vertex.operators.every((operator, place) => {
    if (!moved.has(place)) return true
    return operator.coordinator === undefined && operator.inputs.length === 1
  })
}

/** Places of the chain that are `place` or read it. */
function behind({ operators }: JobVertex, place: number): ReadonlySet<number> {
  const places = new Set([place])
  for (const [at, { inputs }] of operators.entries()) {
    if (inputs.some((input) => typeof input === 'number' && places.has(input))) places.add(at)
  }
  return places
}

/** What is cut off stands behind the other vertices. */
export function unchained(graph: JobGraph, cuts: readonly ChainCut[]): JobGraph {
  return cuts.reduce(cutOff, graph)
}

function cutOff(graph: JobGraph, { operatorId, partitioning, type }: ChainCut): JobGraph {
  const vertex = graph.vertices.find(({ operators }) => operators.some((o) => o.id === operatorId))
  const place = vertex?.operators.findIndex(({ id }) => id === operatorId) ?? -1
  const [input] = vertex?.operators[place]?.inputs ?? []
  if (vertex === undefined || typeof input !== 'number') return graph
  const moved = behind(vertex, place)
  const parts = [false, true].map((isMoved) =>
    vertex.operators.flatMap((_, at) => (moved.has(at) === isMoved ? [at] : [])),
  ) as [number[], number[]]
  const [kept, off] = parts.map((places) => partOf(vertex, places)) as [JobVertex, JobVertex]
  const id = stableId(`vertex ${operatorId}`)
  const edges = graph.edges.map((edge): JobEdge => {
    if (edge.sourceVertexId !== vertex.id) return edge
    const isMoved = moved.has(edge.sourceOperator)
    const sourceOperator = parts[isMoved ? 1 : 0].indexOf(edge.sourceOperator)
    return { ...edge, sourceOperator, ...(isMoved ? { sourceVertexId: id } : {}) }
  })
  const edge: JobEdge = {
    sourceVertexId: vertex.id,
    sourceOperator: parts[0].indexOf(input),
    targetVertexId: id,
    targetGate: 0,
    partitioning,
    type,
  }
  const vertices = graph.vertices.map((each) => (each === vertex ? kept : each))
  return { ...graph, vertices: [...vertices, { ...off, id }], edges: [...edges, edge] }
}

/** Some of its operators, whose inputs are among them or come through a gate. */
function partOf(vertex: JobVertex, places: readonly number[]): JobVertex {
  const operators = places.map((place): OperatorDescriptor => {
    const operator = vertex.operators[place] as OperatorDescriptor
    const inputs = operator.inputs.map((input) => {
      if (typeof input !== 'number') return input
      const at = places.indexOf(input)
      return at >= 0 ? at : { gate: 0 }
    })
    return { ...operator, inputs }
  })
  return { ...vertex, operators, name: operators.map(({ name }) => name).join(' -> ') }
}
