/** The manifest of a fully acknowledged checkpoint or savepoint, from the round that took it. */
import type { CheckpointManifest, InFlightManifest, OperatorManifest } from '@millrace/state'
import { channelEdges } from '../scheduler/channel-edges.ts'
import type { PendingCheckpoint } from './pending-checkpoint.ts'

export function checkpointManifest(
  checkpoint: PendingCheckpoint,
  leaderEpoch: number,
): CheckpointManifest {
  const { graph, savepoint } = checkpoint
  const operators: OperatorManifest[] = []
  for (const { vertex, subtasks } of graph.vertices.values()) {
    for (const { id, name, states, madeOf, byTableName } of vertex.operators) {
      operators.push({
        ...(states === undefined ? {} : { tables: states }),
        ...(madeOf === undefined ? {} : { madeOf }),
        ...(byTableName === undefined ? {} : { byTableName }),
        operatorId: id,
        operatorName: name,
        vertexId: vertex.id,
        parallelism: vertex.parallelism,
        maxParallelism: vertex.maxParallelism,
        subtasks: subtasks.map(
          ({ current }) => checkpoint.acknowledgements.get(current.id)?.state[id] ?? null,
        ),
      })
    }
  }
  const inFlight = inFlightOf(checkpoint)
  return {
    jobId: graph.jobGraph.jobId,
    checkpointId: checkpoint.id,
    timestampMs: checkpoint.timestampMs,
    leaderEpoch,
    operators,
    coordinators: checkpoint.coordinators ?? {},
    ...(savepoint === null ? {} : { savepoint: { format: savepoint.order.format } }),
    ...(inFlight === null ? {} : { inFlight }),
  }
}

/** Null: no subtask has any. */
function inFlightOf({ graph, acknowledgements }: PendingCheckpoint): InFlightManifest | null {
  const vertices: Record<string, InFlightManifest['vertices'][string]> = {}
  for (const { vertex, subtasks } of graph.vertices.values()) {
    const stored = subtasks.map(({ current }) => acknowledgements.get(current.id)?.channels ?? null)
    if (stored.some((each) => each !== null)) vertices[vertex.id] = stored
  }
  if (Object.keys(vertices).length === 0) return null
  return { edges: channelEdges(graph.jobGraph), vertices }
}
