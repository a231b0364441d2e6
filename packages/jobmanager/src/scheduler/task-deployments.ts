/**
 * Cuts an ExecutionGraph into TaskDeployments, one a subtask, batched by slot.
 *
 * Both ends of an exchange are numbered alike: `edgeIndex` is the place among the producer's
 * outputs in the JobGraph's order; the channels of a gate are those of its edges one after the
 * other, each from producer subtask 0 up (with `forward`: the one of equal index); the subpartition
 * is the consumer's index (`forward`: 0).
 */
import type { JobEdge } from '@millrace/graph'
import type {
  ChannelDeployment,
  GateDeployment,
  OutputDeployment,
  TaskCheckpointing,
  TaskDeployment,
  TaskRestore,
} from '@millrace/protocol'
import type { ExecutionGraph, ExecutionVertex } from '../execution-graph/execution-graph.ts'
import type { AllocatedSlot } from '../slot-pool/allocated-slot.ts'
import { whyAligned } from './channel-edges.ts'

export interface DeploymentSettings {
  readonly configuration: Readonly<Record<string, string>>
  readonly checkpointing: TaskCheckpointing | null
  /** The job is stopped, and its tasks only have to end. */
  readonly suspended: boolean
  readonly restoredOf: (vertexId: string, subtaskIndex: number) => TaskRestore | null
}

/** Deployments of every subtask of `vertexIds`; each attempt must have its slot. */
export function taskDeployments(
  graph: ExecutionGraph,
  vertexIds: Iterable<string>,
  settings: DeploymentSettings,
): Map<AllocatedSlot, TaskDeployment[]> {
  const batches = new Map<AllocatedSlot, TaskDeployment[]>()
  for (const id of vertexIds) {
    const vertex = graph.vertices.get(id) as ExecutionVertex
    const outputs = outputsOf(graph, vertex)
    for (const { current } of vertex.subtasks) {
      const slot = current.slot as AllocatedSlot
      const deployment: TaskDeployment = {
        jobId: graph.jobGraph.jobId,
        jobName: graph.jobGraph.name,
        vertex: vertex.vertex,
        subtaskIndex: current.subtaskIndex,
        attempt: current.number,
        attemptId: current.id,
        allocationId: slot.allocationId,
        configuration: settings.configuration,
        gates: gatesOf(graph, vertex, current.subtaskIndex),
        outputs,
        restored: settings.restoredOf(id, current.subtaskIndex),
        checkpointing: settings.checkpointing,
        ...(settings.suspended ? { suspended: true } : {}),
      }
      const batch = batches.get(slot)
      if (batch === undefined) batches.set(slot, [deployment])
      else batch.push(deployment)
    }
  }
  return batches
}

function outputsOf(graph: ExecutionGraph, vertex: ExecutionVertex): OutputDeployment[] {
  return vertex.outputs.map((edge, edgeIndex) => {
    const consumer = (graph.vertices.get(edge.targetVertexId) as ExecutionVertex).vertex
    return {
      edgeIndex,
      sourceOperator: edge.sourceOperator,
      partitioning: edge.partitioning,
      type: edge.type,
      subpartitions: edge.partitioning.kind === 'forward' ? 1 : consumer.parallelism,
      maxParallelism: consumer.maxParallelism,
      overtakable: whyAligned(graph.jobGraph, edge.targetVertexId) === null,
    }
  })
}

function gatesOf(
  graph: ExecutionGraph,
  vertex: ExecutionVertex,
  subtaskIndex: number,
): GateDeployment[] {
  const numbers = [...new Set(vertex.inputs.map(({ targetGate }) => targetGate))]
  return numbers
    .sort((a, b) => a - b)
    .map((gate) => {
      const edges = vertex.inputs.filter(({ targetGate }) => targetGate === gate)
      const channels = edges.flatMap((edge) => channelsOf(graph, edge, subtaskIndex))
      return {
        gate,
        type: (edges[0] as JobEdge).type,
        channels: channels.map((channel, channelIndex) => ({ ...channel, channelIndex })),
      }
    })
}

function channelsOf(
  graph: ExecutionGraph,
  edge: JobEdge,
  subtaskIndex: number,
): Omit<ChannelDeployment, 'channelIndex'>[] {
  const producer = graph.vertices.get(edge.sourceVertexId) as ExecutionVertex
  const edgeIndex = producer.outputs.indexOf(edge)
  const forward = edge.partitioning.kind === 'forward'
  const producers = forward ? [producer.subtasks[subtaskIndex]] : producer.subtasks
  return producers.map((subtask) => {
    const attempt = (subtask as (typeof producer.subtasks)[number]).current
    const slot = attempt.slot as AllocatedSlot
    return {
      producerAttemptId: attempt.id,
      edgeIndex,
      subpartition: forward ? 0 : subtaskIndex,
      taskManagerId: slot.taskManager.id,
      slotIndex: slot.slotIndex,
      dataAddress: slot.dataAddress,
    }
  })
}
