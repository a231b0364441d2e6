/** The manifest of a fully acknowledged checkpoint or savepoint, from the round that took it. */
import type { CheckpointManifest, OperatorManifest } from '@millrace/state'
import type { PendingCheckpoint } from './pending-checkpoint.ts'

export function checkpointManifest(
  checkpoint: PendingCheckpoint,
  leaderEpoch: number,
): CheckpointManifest {
  const { graph, savepoint } = checkpoint
  const operators: OperatorManifest[] = []
  for (const { vertex, subtasks } of graph.vertices.values()) {
    for (const { id, name, states, madeOf } of vertex.operators) {
      operators.push({
        ...(states === undefined ? {} : { tables: states }),
        ...(madeOf === undefined ? {} : { madeOf }),
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
  return {
    jobId: graph.jobGraph.jobId,
    checkpointId: checkpoint.id,
    timestampMs: checkpoint.timestampMs,
    leaderEpoch,
    operators,
    coordinators: checkpoint.coordinators ?? {},
    ...(savepoint === null ? {} : { savepoint: { format: savepoint.order.format } }),
  }
}
