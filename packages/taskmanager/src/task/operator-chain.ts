/**
 * OperatorChain: the operators of one vertex in one subtask, fused: built from the JobGraph's plain
 * data, last operator first.
 *
 * Between a subtask's loop and the operators. Inside a chain a batch is passed on by a call; it
 * leaves through result partitions. Invariants: an operator's end is passed on once, after all its
 * inputs have ended and while nothing in the chain is blocked; a gate is read as far as every
 * operator behind it agrees.
 */
import {
  type ChainedOperator,
  type Configuration,
  type KeyedState,
  nearestName,
  type Operator,
  type OperatorContext,
  OperatorInputs,
  OperatorMetrics,
  type OperatorRegistry,
  type RestoredOperatorState,
  type SourceOperator,
  type SubtaskInfo,
  WATERMARK_MAX,
} from '@millrace/core'
import type { OperatorDescriptor } from '@millrace/graph'
import type { ResultPartition } from '@millrace/network'
import type { TemporaryFiles } from '@millrace/platform'
import type { TaskDeployment } from '@millrace/protocol'
import { type BackendState, openKeyedState, type StateMemory } from '@millrace/state'
import { taskManagerError } from '../error-codes.ts'
import { NO_OPERATOR, OPERATOR_WORD } from '../executor/slot-liveness.ts'
import { ChainOutput, OperatorLink, PartitionLink } from './chain-output.ts'
import { HeldTimers } from './held-timers.ts'
import type { TaskMailbox } from './task-mailbox.ts'

export interface ChainNode {
  readonly descriptor: OperatorDescriptor
  readonly chained: ChainedOperator
  readonly state: BackendState
  readonly metrics: OperatorMetrics
  readonly output: ChainOutput
  /** Null: a sink, whose timers make no rows. */
  readonly timers: HeldTimers | null
  /** Number in `SlotLiveness`. */
  readonly ordinal: number
  /** One a chained consumer's input. */
  readonly consumers: readonly OperatorLink[]
  readonly partitions: readonly ResultPartition[]
  /** Null: a source. */
  readonly inputs: OperatorInputs | null
  /** A source that has read everything. */
  sourceEnded: boolean
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
  readonly files: TemporaryFiles
  /** Of the slot. */
  readonly stateMemory: StateMemory
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
  /** By a gate's place in the deployment: the inputs that read it. */
  readonly gateLinks: readonly (readonly OperatorLink[])[]
  readonly partitions: readonly ResultPartition[]
  readonly #blockable: readonly ChainNode[]
  readonly #selective: readonly SelectiveNode[]
  /** Bit of each gate that an operator with `readableInputs` reads. */
  readonly #selectedGates: number
  readonly #gateNumbers: readonly number[]
  readonly #words: Int32Array
  #openEnds: number

  constructor(settings: ChainSettings) {
    const { nodes, gateLinks } = buildNodes(settings)
    this.nodes = nodes
    this.gateLinks = gateLinks
    this.partitions = settings.partitions
    this.sources = nodes.flatMap((node) =>
      node.chained.kind === 'source' ? [{ node, operator: node.chained.operator }] : [],
    )
    this.#blockable = nodes.filter(({ chained }) => chained.operator.isBlocked !== undefined)
    this.#selective = selectiveNodes(nodes, settings.deployment)
    this.#selectedGates = this.#selective.reduce((bits, { gateBits }) => {
      return gateBits.reduce((all, bit) => all | bit, bits)
    }, 0)
    this.#gateNumbers = settings.deployment.gates.map(({ gate }) => gate)
    this.#words = settings.livenessWords
    this.#openEnds = nodes.length
  }

  /** Whether an operator still has output, a wait or something to be told left. */
  isBlocked(): boolean {
    const blockable = this.#blockable
    for (let i = 0; i < blockable.length; i++) {
      if (isNodeBlocked(blockable[i] as ChainNode)) return true
    }
    return false
  }

  /** Gates that may be read now, a bit each; -1: all. */
  readableGates(): number {
    if (this.#selective.length === 0) return ALL_GATES
    let gates = ~this.#selectedGates
    for (const node of this.#selective) gates |= readableGatesOf(node)
    return gates
  }

  /** Place of the gate whose watermark is the one that the chain waits for; -1: none. */
  get holdingGate(): number {
    let gate = -1
    let leastMs = WATERMARK_MAX
    for (const { descriptor, inputs } of this.nodes) {
      const input = inputs?.merge.holder ?? -1
      if (inputs === null || input < 0) continue
      const from = descriptor.inputs[input] as OperatorDescriptor['inputs'][number]
      const watermarkMs = inputs.merge.watermarkOf(input)
      if (typeof from === 'number' || watermarkMs >= leastMs) continue
      leastMs = watermarkMs
      gate = this.#gateNumbers.indexOf(from.gate)
    }
    return gate
  }

  /**
   * Gates that may be read although the chain is blocked: those of operators that
   * choose their inputs.
   */
  readableGatesWhileBlocked(): number {
    if (this.#selective.length === 0) return 0
    let gates = 0
    for (const node of this.#blockable) {
      if (!isNodeBlocked(node)) continue
      const selective = this.#selective.find((other) => other.node === node)
      if (selective === undefined) return 0
      gates |= readableGatesOf(selective)
    }
    return gates
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
      this.#words[OPERATOR_WORD] = node.ordinal
      if (operator.isBlocked?.() === true && node.output.isAvailable()) operator.resume?.()
      if (node.inputs?.isSettled === false) node.inputs.settle()
    }
    this.#words[OPERATOR_WORD] = NO_OPERATOR
    return !this.isBlocked()
  }

  /** A source has read everything: its watermark is the end of time. */
  endSource(node: ChainNode): void {
    node.output.emitWatermarkStatus(false)
    node.output.emitWatermark(WATERMARK_MAX)
    node.sourceEnded = true
  }

  /** The gate at place `gate` has no more rows. */
  endGate(gate: number): void {
    for (const link of this.gateLinks[gate] ?? []) link.endInput()
  }

  get allEnded(): boolean {
    return this.#openEnds === 0
  }

  /** Passes ends on as far as nothing is blocked; returns whether every operator has ended. */
  propagateEnds(): boolean {
    for (const node of this.nodes) {
      if (node.ended || !isEnding(node)) continue
      if (this.isBlocked()) return false
      node.ended = true
      this.#openEnds--
      for (const link of node.consumers) link.endInput()
      for (const partition of node.partitions) partition.emitEndOfData()
    }
    return this.#openEnds === 0 && !this.isBlocked()
  }

  /** Whether an operator's end waits to be passed on. */
  get hasPendingEnds(): boolean {
    for (const node of this.nodes) if (!node.ended && isEnding(node)) return true
    return false
  }

  /** Timers of operators that feed others are kept until `releaseTimers`. */
  holdTimers(): void {
    for (const { timers } of this.nodes) timers?.hold()
  }

  releaseTimers(): void {
    for (const { timers } of this.nodes) timers?.release()
  }

  nodeOfOrdinal(ordinal: number): ChainNode | undefined {
    return this.nodes.find((node) => node.ordinal === ordinal)
  }
}

/** A node whose operator has `readableInputs`. */
interface SelectiveNode {
  readonly node: ChainNode
  readonly operator: Operator
  /** By input: the bit of its gate. */
  readonly gateBits: readonly number[]
}

const ALL_GATES = -1
/** Gates that have a bit in a mask. */
const SELECTABLE_GATES_MAX = 31

function isNodeBlocked({ chained, inputs }: ChainNode): boolean {
  return chained.operator.isBlocked?.() === true || inputs?.isSettled === false
}

/** Everything that it reads has ended. */
function isEnding({ inputs, sourceEnded }: ChainNode): boolean {
  return inputs === null ? sourceEnded : inputs.openInputs === 0
}

function readableGatesOf({ operator, gateBits }: SelectiveNode): number {
  const mask = operator.readableInputs?.() ?? ALL_GATES
  let gates = 0
  for (let input = 0; input < gateBits.length; input++) {
    if ((mask & (1 << input)) !== 0) gates |= gateBits[input] as number
  }
  return gates
}

function selectiveNodes(
  nodes: readonly ChainNode[],
  { gates }: TaskDeployment,
): readonly SelectiveNode[] {
  return nodes.flatMap((node) => {
    const { chained, descriptor } = node
    if (chained.kind === 'source' || chained.operator.readableInputs === undefined) return []
    const gateBits = descriptor.inputs.map((from) => {
      const place = typeof from === 'number' ? -1 : gates.findIndex((g) => g.gate === from.gate)
      if (place >= 0 && gates.length <= SELECTABLE_GATES_MAX) return 1 << place
      throw taskManagerError(
        'DEPLOYMENT_INVALID',
        `Operator '${descriptor.name}' chooses which input is read, so it has to read gates, of at most ${SELECTABLE_GATES_MAX}; it reads ${JSON.stringify(from)}, and there are ${gates.length} gates.`,
      )
    })
    return [{ node, operator: chained.operator, gateBits }]
  })
}

function buildNodes(settings: ChainSettings): {
  nodes: ChainNode[]
  gateLinks: OperatorLink[][]
} {
  const { deployment } = settings
  const { operators } = deployment.vertex
  const nodes: ChainNode[] = []
  const gateLinks = deployment.gates.map((): OperatorLink[] => [])
  for (let index = operators.length - 1; index >= 0; index--) {
    const descriptor = operators[index] as OperatorDescriptor
    const metrics = new OperatorMetrics()
    const output = new ChainOutput(metrics)
    const { maxParallelism } = deployment.vertex
    const state = openKeyedState({
      configuration: settings.configuration,
      maxParallelism,
      nowMs: settings.nowMs,
      monotonicMs: settings.monotonicMs,
      files: settings.files,
      memory: settings.stateMemory,
      background: (step) => inBackground(settings.mailbox, step),
    })
    const consumers = linkConsumers(index, operators, nodes, output, settings)
    const partitions = settings.partitions.filter(
      (_, edge) => deployment.outputs[edge]?.sourceOperator === index,
    )
    for (const partition of partitions) output.add(new PartitionLink(partition))
    const isSink = consumers.length + partitions.length === 0
    const timers = isSink ? null : new HeldTimers(settings.mailbox)
    const chained = createOperator(descriptor, { ...settings, timers }, state, metrics, output)
    const node: ChainNode = {
      descriptor,
      chained,
      state,
      metrics,
      output,
      timers,
      ordinal: settings.firstOrdinal + index,
      consumers,
      partitions,
      inputs:
        chained.kind === 'source'
          ? null
          : new OperatorInputs(chained.operator, descriptor.inputs.length, output, metrics),
      sourceEnded: false,
      ended: false,
    }
    nodes[index] = node
    for (const [input, from] of descriptor.inputs.entries()) {
      if (typeof from === 'number') continue
      const place = deployment.gates.findIndex(({ gate }) => gate === from.gate)
      gateLinks[place]?.push(linkTo(node, input, settings))
    }
  }
  return { nodes, gateLinks }
}

/** A step a turn of the mailbox; batches and barriers come in between. */
function inBackground(mailbox: TaskMailbox, step: () => boolean): void {
  mailbox.post(() => {
    if (step()) inBackground(mailbox, step)
  })
}

function linkConsumers(
  index: number,
  operators: readonly OperatorDescriptor[],
  nodes: readonly ChainNode[],
  output: ChainOutput,
  settings: ChainSettings,
): OperatorLink[] {
  const consumers: OperatorLink[] = []
  for (let later = index + 1; later < operators.length; later++) {
    for (const [input, from] of (operators[later] as OperatorDescriptor).inputs.entries()) {
      if (from !== index) continue
      const link = linkTo(nodes[later] as ChainNode, input, settings)
      output.add(link)
      consumers.push(link)
    }
  }
  return consumers
}

function linkTo(node: ChainNode, input: number, settings: ChainSettings): OperatorLink {
  const { chained, descriptor, inputs } = node
  if (chained.kind === 'source' || inputs === null) {
    throw taskManagerError(
      'DEPLOYMENT_INVALID',
      `Operator '${descriptor.name}' is a source and cannot have inputs.`,
    )
  }
  if (chained.operator.prepareBatch !== undefined && typeof descriptor.inputs[input] === 'number') {
    throw taskManagerError(
      'DEPLOYMENT_INVALID',
      `Operator '${descriptor.name}' waits for what its batches need, so it has to read gates; input ${input} is chained.`,
    )
  }
  return new OperatorLink(
    { operator: chained.operator, inputs },
    input,
    { ordinal: node.ordinal, words: settings.livenessWords },
    node.metrics,
    node.output,
  )
}

function createOperator(
  descriptor: OperatorDescriptor,
  settings: ChainSettings & { readonly timers: HeldTimers | null },
  state: KeyedState,
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
    mailbox: settings.timers ?? settings.mailbox,
    metrics,
    output,
    nowMs: settings.nowMs,
    monotonicMs: settings.monotonicMs,
    state,
    restored: settings.restoredOf(descriptor.id),
    sendToCoordinator: (event) => settings.sendToCoordinator(descriptor.id, event),
    checkpointingEnabled: deployment.checkpointing !== null,
  }
  const chained = factory.create(descriptor.config, context)
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
