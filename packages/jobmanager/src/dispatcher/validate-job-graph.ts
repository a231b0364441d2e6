/**
 * A submitted JobGraph, checked before anything is made of it: shape first, then that it does not
 * contradict itself.
 *
 * Whoever made it (SQL planner, DataStream API, another program) gets one error that
 * names the place.
 */
import { codecOf, type EdgeType } from '@millrace/core'
import {
  type Chaining,
  forwardIsRequired,
  type JobEdge,
  type JobGraph,
  type JobVertex,
  type OperatorDescriptor,
} from '@millrace/graph'
import { jobManagerError } from '../error-codes.ts'
import { requireGraphVersion } from '../high-availability/graph-version.ts'

const PARALLELISM_MAX = 32768
const CHAININGS: readonly string[] = ['always', 'head'] satisfies Chaining[]
const PARTITIONINGS = ['forward', 'hash', 'rebalance', 'broadcast']

/**
 * Every field is carried out; one of another name is refused, since leaving it undone would change
 * what the job does.
 */
const GRAPH_FIELDS: readonly (keyof JobGraph)[] = [
  'formatVersion',
  'jobId',
  'name',
  'vertices',
  'edges',
  'configuration',
  'jobType',
]
const VERTEX_FIELDS: readonly (keyof JobVertex)[] = [
  'id',
  'name',
  'parallelism',
  'maxParallelism',
  'single',
  'slotSharingGroup',
  'operators',
]
const OPERATOR_FIELDS: readonly (keyof OperatorDescriptor)[] = [
  'id',
  'name',
  'factory',
  'config',
  'inputs',
  'outputSchema',
  'chaining',
  'stateful',
  'states',
  'madeOf',
  'byTableName',
  'coordinator',
]
const EDGE_FIELDS: readonly (keyof JobEdge)[] = [
  'sourceVertexId',
  'sourceOperator',
  'targetVertexId',
  'targetGate',
  'partitioning',
  'type',
]

type Shape = Record<string, unknown>

/**
 * The value as a JobGraph. Throws JOB_GRAPH_VERSION_UNSUPPORTED, JOB_GRAPH_INVALID, and
 * EDGE_TYPE_UNSUPPORTED.
 */
export function validateJobGraph(value: unknown): JobGraph {
  const graph = object(value, 'jobGraph')
  requireGraphVersion(graph, 'the submitted job graph')
  onlyFields(graph, 'jobGraph', GRAPH_FIELDS)
  if (!/^[0-9a-f]{32}$/.test(text(graph.jobId, 'jobGraph.jobId'))) {
    invalid('jobGraph.jobId', '32 lower-case hex digits', graph.jobId)
  }
  text(graph.name, 'jobGraph.name')
  if (graph.jobType !== 'STREAMING') invalid('jobGraph.jobType', "'STREAMING'", graph.jobType)
  for (const [key, entry] of Object.entries(
    object(graph.configuration, 'jobGraph.configuration'),
  )) {
    text(entry, `jobGraph.configuration['${key}']`)
  }
  const vertices = array(graph.vertices, 'jobGraph.vertices')
  if (vertices.length === 0) invalid('jobGraph.vertices', 'at least one vertex', 'none')
  for (const [i, vertex] of vertices.entries()) checkVertex(vertex, `jobGraph.vertices[${i}]`)
  const edges = array(graph.edges, 'jobGraph.edges')
  for (const [i, edge] of edges.entries()) checkEdge(edge, `jobGraph.edges[${i}]`)
  const checked = value as JobGraph
  checkIds(checked)
  checkEdgesMatch(checked)
  checkGates(checked)
  checkAcyclic(checked)
  return checked
}

function checkVertex(value: unknown, path: string): void {
  const vertex = object(value, path)
  onlyFields(vertex, path, VERTEX_FIELDS)
  text(vertex.id, `${path}.id`)
  text(vertex.name, `${path}.name`)
  text(vertex.slotSharingGroup, `${path}.slotSharingGroup`)
  const parallelism = positive(vertex.parallelism, `${path}.parallelism`)
  const maxParallelism = positive(vertex.maxParallelism, `${path}.maxParallelism`)
  if (maxParallelism > PARALLELISM_MAX) {
    invalid(`${path}.maxParallelism`, `at most ${PARALLELISM_MAX}`, maxParallelism)
  }
  if (parallelism > maxParallelism) {
    invalid(`${path}.parallelism`, `at most the max parallelism ${maxParallelism}`, parallelism)
  }
  if (vertex.single !== undefined && (vertex.single !== true || parallelism !== 1)) {
    invalid(`${path}.single`, 'absent, or true with a parallelism of 1', vertex.single)
  }
  const operators = array(vertex.operators, `${path}.operators`)
  if (operators.length === 0) invalid(`${path}.operators`, 'at least one operator', 'none')
  for (const [i, operator] of operators.entries()) {
    checkOperator(operator, i, `${path}.operators[${i}]`)
  }
}

function checkOperator(value: unknown, index: number, path: string): void {
  const operator = object(value, path)
  onlyFields(operator, path, OPERATOR_FIELDS)
  text(operator.id, `${path}.id`)
  text(operator.name, `${path}.name`)
  text(operator.factory, `${path}.factory`)
  checkSchema(operator.outputSchema, `${path}.outputSchema`)
  array(operator.inputs, `${path}.inputs`).forEach((input, i) => {
    if (typeof input === 'number' && Number.isInteger(input) && input >= 0 && input < index) return
    const gate = (input as Shape | null)?.gate
    if (typeof gate === 'number' && Number.isInteger(gate) && gate >= 0) return
    invalid(`${path}.inputs[${i}]`, 'the index of an earlier operator, or { gate }', input)
  })
  checkChaining(operator, path)
  const { stateful } = operator
  if (stateful !== undefined && typeof stateful !== 'boolean') {
    invalid(`${path}.stateful`, 'true or false', stateful)
  }
  if (operator.byTableName !== undefined) {
    const named = object(operator.byTableName, `${path}.byTableName`)
    text(named.id, `${path}.byTableName.id`)
    const reads = array(named.reads, `${path}.byTableName.reads`)
    for (const [i, read] of reads.entries()) text(read, `${path}.byTableName.reads[${i}]`)
  }
  if (operator.coordinator !== undefined) {
    text(object(operator.coordinator, `${path}.coordinator`).factory, `${path}.coordinator.factory`)
  }
}

/** What keeps state by key may hold its input back, and an operator before it could not wait. */
function checkChaining({ chaining = 'always', inputs }: Shape, path: string): void {
  if (!CHAININGS.includes(chaining as string)) {
    invalid(`${path}.chaining`, `one of ${CHAININGS.join(', ')}`, chaining)
  }
  const fused = array(inputs, `${path}.inputs`).find((input) => typeof input === 'number')
  if (chaining !== 'head' || fused === undefined) return
  invalid(`${path}.inputs`, "gates alone, since the operator's chaining is 'head'", inputs)
}

function checkEdge(value: unknown, path: string): void {
  const edge = object(value, path)
  onlyFields(edge, path, EDGE_FIELDS)
  text(edge.sourceVertexId, `${path}.sourceVertexId`)
  text(edge.targetVertexId, `${path}.targetVertexId`)
  for (const key of ['sourceOperator', 'targetGate']) {
    const number = edge[key]
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 0) {
      invalid(`${path}.${key}`, 'a whole number from 0', number)
    }
  }
  const partitioning = object(edge.partitioning, `${path}.partitioning`)
  if (!PARTITIONINGS.includes(partitioning.kind as string)) {
    invalid(`${path}.partitioning.kind`, `one of ${PARTITIONINGS.join(', ')}`, partitioning.kind)
  }
  const { required } = partitioning
  if (required !== undefined && typeof required !== 'boolean') {
    invalid(`${path}.partitioning.required`, 'true or false', required)
  }
  if (partitioning.kind === 'hash') {
    array(partitioning.keyColumns, `${path}.partitioning.keyColumns`)
  }
  checkType(edge.type, `${path}.type`)
}

function checkType(value: unknown, path: string): void {
  const type = object(value, path)
  if (type.kind === 'columns') checkSchema(type.schema, `${path}.schema`)
  else if (type.kind === 'objects') {
    const serializer = object(type.serializer, `${path}.serializer`)
    text(serializer.artifact, `${path}.serializer.artifact`)
    text(serializer.export, `${path}.serializer.export`)
  } else invalid(`${path}.kind`, "'columns' or 'objects'", type.kind)
  codecOf(value as EdgeType)
}

function checkSchema(value: unknown, path: string): void {
  array(object(value, path).fields, `${path}.fields`)
}

function checkIds(graph: JobGraph): void {
  const seen = new Set<string>()
  for (const vertex of graph.vertices) {
    if (seen.has(vertex.id)) invalid('vertex ids', 'each used once', vertex.id)
    seen.add(vertex.id)
  }
  const operators = new Set<string>()
  for (const { id, name } of graph.vertices.flatMap(
    (v): readonly OperatorDescriptor[] => v.operators,
  )) {
    if (operators.has(id)) invalid('operator ids', 'each used once', `${id} (${name})`)
    operators.add(id)
  }
}

function checkEdgesMatch(graph: JobGraph): void {
  const byId = new Map(graph.vertices.map((vertex): [string, JobVertex] => [vertex.id, vertex]))
  graph.edges.forEach((edge: JobEdge, i) => {
    const source = byId.get(edge.sourceVertexId)
    const target = byId.get(edge.targetVertexId)
    const path = `jobGraph.edges[${i}]`
    if (source === undefined) invalid(`${path}.sourceVertexId`, 'a vertex', edge.sourceVertexId)
    if (target === undefined) invalid(`${path}.targetVertexId`, 'a vertex', edge.targetVertexId)
    if (edge.sourceOperator >= source.operators.length) {
      invalid(`${path}.sourceOperator`, `an operator of '${source.name}'`, edge.sourceOperator)
    }
    if (forwardIsRequired(edge.partitioning) && source.parallelism !== target.parallelism) {
      invalid(
        `${path}.partitioning`,
        'no required forward between vertices of different parallelism',
        `${source.parallelism} → ${target.parallelism}`,
      )
    }
  })
}

/** Each gate that operators read has edges, all of one type, and each edge a gate that is read. */
function checkGates(graph: JobGraph): void {
  for (const vertex of graph.vertices) {
    const fed = graph.edges.filter((edge) => edge.targetVertexId === vertex.id)
    const read = vertex.operators.flatMap(({ inputs }) =>
      inputs.flatMap((input) => (typeof input === 'number' ? [] : [input.gate])),
    )
    for (const gate of new Set([...fed.map(({ targetGate }) => targetGate), ...read])) {
      const edges = fed.filter(({ targetGate }) => targetGate === gate)
      const types = new Set(edges.map(({ type }) => JSON.stringify(type))).size
      if (types === 1 && read.includes(gate)) continue
      invalid(
        `gate ${gate} of vertex '${vertex.name}'`,
        'edges of one type and an operator that reads it',
        `${edges.length} edges of ${types} types, ${read.includes(gate) ? 'read' : 'not read'}`,
      )
    }
  }
}

function checkAcyclic(graph: JobGraph): void {
  const left = new Set(graph.vertices.map(({ id }) => id))
  for (let before = -1; before !== left.size; ) {
    before = left.size
    for (const id of left) {
      const waits = graph.edges.some((e) => e.targetVertexId === id && left.has(e.sourceVertexId))
      if (!waits) left.delete(id)
    }
  }
  if (left.size > 0) invalid('jobGraph.edges', 'no cycle', [...left].join(', '))
}

function invalid(path: string, expected: string, found: unknown): never {
  const shown = typeof found === 'string' ? `'${found}'` : JSON.stringify(found)
  throw jobManagerError('JOB_GRAPH_INVALID', `Expected ${expected} at ${path}; it is ${shown}.`, {
    hint: 'A job graph is made by the SQL client or a program of the same version of Millrace.',
  })
}

function onlyFields(value: Shape, path: string, known: readonly string[]): void {
  const other = Object.keys(value).find((key) => !known.includes(key))
  if (other !== undefined) {
    invalid(
      `${path}.${other}`,
      'nothing (no JobManager of this version carries it out)',
      value[other],
    )
  }
}

function object(value: unknown, path: string): Shape {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Shape
  return invalid(path, 'an object', value)
}

function array(value: unknown, path: string): unknown[] {
  return Array.isArray(value) ? value : invalid(path, 'an array', value)
}

function text(value: unknown, path: string): string {
  return typeof value === 'string' ? value : invalid(path, 'a text', value)
}

function positive(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value
  return invalid(path, 'a whole number from 1', value)
}
