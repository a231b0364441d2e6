/**
 * OperatorChain: the operators of one vertex in one subtask, fused: built from the JobGraph's plain
 * data, last operator first.
 *
 * Between a subtask's loop and the operators. Inside a chain a batch is passed on by a call; it
 * leaves through result partitions. Invariant: an operator's end is passed on once, after all its
 * inputs have ended and while nothing in the chain is blocked.
 */
import {
  type ChainedOperator,
  type Configuration,
  nearestName,
  type OperatorContext,
  OperatorMetrics,
  type OperatorRegistry,
  type RestoredOperatorState,
  type SourceOperator,
  type SubtaskInfo,
} from '@millrace/core'
import type { OperatorDescriptor } from '@millrace/graph'
import type { ResultPartition } from '@millrace/network'
import type { TaskDeployment } from '@millrace/protocol'
import { taskManagerError } from '../error-codes.ts'
import { ChainOutput, OperatorLink, PartitionLink } from './chain-output.ts'
import type { TaskMailbox } from './task-mailbox.ts'

export interface ChainNode {
  readonly descriptor: OperatorDescriptor
  readonly chained: ChainedOperator
  readonly metrics: OperatorMetrics
  readonly output: ChainOutput
  /** Number in `SlotLiveness`. */
  readonly ordinal: number
  /** One a chained consumer. */
  readonly consumers: readonly { readonly node: number; readonly link: OperatorLink }[]
  readonly partitions: readonly ResultPartition[]
  /** Inputs that have not ended; a source's is its own reading. */
  openInputs: number
  /** Its end has been passed on. */
  ended: boolean
}

export interface ChainSettings {
  readonly deployment: TaskDeployment
  readonly registry: OperatorRegistry
  readonly configuration: Configuration
  readonly leaderEpoch: number
  readonly taskManagerId: string
  readonly mailbox: TaskMailbox
  readonly partitions: readonly ResultPartition[]
  /** `SlotLiveness.words`. */
  readonly livenessWords: Int32Array
  /** Ordinal of the first operator; the others follow. */
  readonly firstOrdinal: number
  readonly nowMs: () => number
  readonly monotonicMs: () => number
  readonly restoredOf: (operatorId: string) => RestoredOperatorState | null
  readonly sendToCoordinator: (operatorId: string, event: unknown) => Promise<unknown>
}

export class OperatorChain {
  /** In chain order. */
  readonly nodes: readonly ChainNode[]
  readonly sources: readonly { readonly node: ChainNode; readonly operator: SourceOperator }[]
  /** Per gate number of the deployment: the inputs that read it. */
  readonly gateLinks: ReadonlyMap<
    number,
    readonly { readonly node: ChainNode; readonly link: OperatorLink }[]
  >
  readonly partitions: readonly ResultPartition[]
  readonly #blockable: readonly ChainedOperator[]
  #openEnds: number

  constructor(settings: ChainSettings) {
    const { nodes, gateLinks } = buildNodes(settings)
    this.nodes = nodes
    this.gateLinks = gateLinks
    this.partitions = settings.partitions
    this.sources = nodes.flatMap((node) =>
      node.chained.kind === 'source' ? [{ node, operator: node.chained.operator }] : [],
    )
    this.#blockable = nodes
      .map((node) => node.chained)
      .filter(({ operator }) => operator.isBlocked !== undefined)
    this.#openEnds = nodes.length
  }

  /** Whether an operator still has output or a wait left. */
  isBlocked(): boolean {
    const blockable = this.#blockable
    for (let i = 0; i < blockable.length; i++) {
      if ((blockable[i] as ChainedOperator).operator.isBlocked?.() === true) return true
    }
    return false
  }

  /** Whether every result partition has room. */
  isOutputAvailable(): boolean {
    const partitions = this.partitions
    for (let i = 0; i < partitions.length; i++) {
      if (!(partitions[i] as ResultPartition).isAvailable()) return false
    }
    return true
  }

  /**
   * Lets blocked operators go on, those nearest to the output first. Returns whether the chain is
   * clear now.
   */
  resume(): boolean {
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      const node = this.nodes[i] as ChainNode
      const { operator } = node.chained
      if (operator.isBlocked?.() !== true) continue
      if (node.output.isAvailable()) operator.resume?.()
    }
    return !this.isBlocked()
  }

  /** A source has read everything: its watermark is the end of time. */
  endSource(node: ChainNode): void {
    node.output.emitWatermarkStatus(false)
    node.output.emitWatermark(Number.POSITIVE_INFINITY)
    node.openInputs--
  }

  /** A gate has no more rows. */
  endGate(gate: number): void {
    for (const { node, link } of this.gateLinks.get(gate) ?? []) {
      link.endInput()
      node.openInputs--
    }
  }

  get allEnded(): boolean {
    return this.#openEnds === 0
  }

  /** Passes ends on as far as nothing is blocked; returns whether every operator has ended. */
  propagateEnds(): boolean {
    for (const node of this.nodes) {
      if (node.ended || node.openInputs > 0) continue
      if (this.isBlocked()) return false
      node.ended = true
      this.#openEnds--
      for (const consumer of node.consumers) {
        consumer.link.endInput()
        ;(this.nodes[consumer.node] as ChainNode).openInputs--
      }
      for (const partition of node.partitions) partition.emitEndOfData()
    }
    return this.#openEnds === 0 && !this.isBlocked()
  }

  /** Whether an operator's end waits to be passed on. */
  get hasPendingEnds(): boolean {
    for (const node of this.nodes) if (!node.ended && node.openInputs === 0) return true
    return false
  }

  nodeOfOrdinal(ordinal: number): ChainNode | undefined {
    return this.nodes.find((node) => node.ordinal === ordinal)
  }
}

interface BuiltNode extends ChainNode {
  readonly consumers: { readonly node: number; readonly link: OperatorLink }[]
}

function buildNodes(settings: ChainSettings): {
  nodes: ChainNode[]
  gateLinks: Map<number, { node: ChainNode; link: OperatorLink }[]>
} {
  const { deployment } = settings
  const { operators } = deployment.vertex
  const nodes: BuiltNode[] = []
  const gateLinks = new Map<number, { node: ChainNode; link: OperatorLink }[]>()
  for (let index = operators.length - 1; index >= 0; index--) {
    const descriptor = operators[index] as OperatorDescriptor
    const metrics = new OperatorMetrics()
    const output = new ChainOutput(metrics)
    const consumers = linkConsumers(index, operators, nodes, output, settings)
    const partitions = settings.partitions.filter(
      (_, edge) => deployment.outputs[edge]?.sourceOperator === index,
    )
    for (const partition of partitions) output.add(new PartitionLink(partition))
    const node: BuiltNode = {
      descriptor,
      chained: createOperator(descriptor, settings, metrics, output),
      metrics,
      output,
      ordinal: settings.firstOrdinal + index,
      consumers,
      partitions,
      openInputs: Math.max(1, descriptor.inputs.length),
      ended: false,
    }
    nodes[index] = node
    for (const [input, from] of descriptor.inputs.entries()) {
      if (typeof from === 'number') continue
      const links = gateLinks.get(from.gate) ?? []
      links.push({ node, link: linkTo(node, input, settings) })
      gateLinks.set(from.gate, links)
    }
  }
  return { nodes, gateLinks }
}

function linkConsumers(
  index: number,
  operators: readonly OperatorDescriptor[],
  nodes: readonly ChainNode[],
  output: ChainOutput,
  settings: ChainSettings,
): { node: number; link: OperatorLink }[] {
  const consumers: { node: number; link: OperatorLink }[] = []
  for (let later = index + 1; later < operators.length; later++) {
    for (const [input, from] of (operators[later] as OperatorDescriptor).inputs.entries()) {
      if (from !== index) continue
      const link = linkTo(nodes[later] as ChainNode, input, settings)
      output.add(link)
      consumers.push({ node: later, link })
    }
  }
  return consumers
}

function linkTo(node: ChainNode, input: number, settings: ChainSettings): OperatorLink {
  if (node.chained.kind === 'source') {
    throw taskManagerError(
      'DEPLOYMENT_INVALID',
      `Operator '${node.descriptor.name}' is a source and cannot have inputs.`,
    )
  }
  return new OperatorLink(
    node.chained.operator,
    input,
    { ordinal: node.ordinal, words: settings.livenessWords },
    node.metrics,
    node.output,
  )
}

function createOperator(
  descriptor: OperatorDescriptor,
  settings: ChainSettings,
  metrics: OperatorMetrics,
  output: ChainOutput,
): ChainedOperator {
  const { deployment, registry } = settings
  const factory = registry.get(descriptor.factory)
  if (factory === undefined) {
    const nearest = nearestName(descriptor.factory, [...registry.keys()])
    throw taskManagerError(
      'OPERATOR_UNKNOWN',
      `No operator is named '${descriptor.factory}' on this TaskManager.`,
      {
        ...(nearest === undefined ? {} : { hint: `Did you mean '${nearest}'?` }),
        location: { operator: descriptor.name },
      },
    )
  }
  const context: OperatorContext = {
    subtask: subtaskInfoOf(descriptor, settings),
    configuration: settings.configuration,
    mailbox: settings.mailbox,
    metrics,
    output,
    nowMs: settings.nowMs,
    monotonicMs: settings.monotonicMs,
    restored: settings.restoredOf(descriptor.id),
    sendToCoordinator: (event) => settings.sendToCoordinator(descriptor.id, event),
    checkpointingEnabled: deployment.checkpointing !== null,
  }
  const chained = factory(descriptor.config, context)
  if ((chained.kind === 'source') !== (descriptor.inputs.length === 0)) {
    throw taskManagerError(
      'DEPLOYMENT_INVALID',
      `Operator '${descriptor.name}' is a ${chained.kind} with ${descriptor.inputs.length} inputs.`,
    )
  }
  return chained
}

function subtaskInfoOf(descriptor: OperatorDescriptor, settings: ChainSettings): SubtaskInfo {
  const { deployment, leaderEpoch, taskManagerId } = settings
  const { vertex } = deployment
  return {
    jobId: deployment.jobId,
    jobName: deployment.jobName,
    vertexId: vertex.id,
    vertexName: vertex.name,
    operatorId: descriptor.id,
    operatorName: descriptor.name,
    subtaskIndex: deployment.subtaskIndex,
    parallelism: vertex.parallelism,
    maxParallelism: vertex.maxParallelism,
    leaderEpoch,
    attempt: deployment.attempt,
    taskManagerId,
  }
}
