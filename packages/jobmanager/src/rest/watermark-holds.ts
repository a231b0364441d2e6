/**
 * What a vertex's watermark waits for, by the reports of its tasks: the split of a source, found
 * through the gates between, or a channel that is not read at present.
 *
 * Pure. Each task names the one channel that holds it; the producer at its other end names its own,
 * up to a source.
 */
import type { VertexWatermarkHold } from '@millrace/rest-api'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import type { ExecutionGraph, ExecutionVertex } from '../execution-graph/execution-graph.ts'

type Attempts = Pick<ExecutionGraph, 'vertices' | 'attempt'>

export function watermarkHolds(graph: Attempts, vertex: ExecutionVertex): VertexWatermarkHold[] {
  const found = new Map<string, VertexWatermarkHold>()
  for (const { current } of vertex.subtasks) {
    for (const hold of holdsOf(graph, current)) {
      found.set(`${hold.operator} ${hold.subtask} ${hold.what}`, hold)
    }
  }
  return [...found.values()]
}

function holdsOf(graph: Attempts, attempt: ExecutionAttempt): readonly VertexWatermarkHold[] {
  let reader = attempt
  // A job graph has no circle, so this comes to a source.
  for (;;) {
    const held = reader.metrics?.heldBy ?? null
    if (held === null) break
    const producer = graph.attempt(held.producerAttemptId)
    if (producer === undefined) return []
    if (held.pausedSinceMs !== null) {
      return [pausedChannel(graph, reader, producer, held.pausedSinceMs)]
    }
    reader = producer
  }
  const vertex = graph.vertices.get(reader.vertexId)
  if (vertex === undefined) return []
  return splitHolds(vertex).filter(({ subtask }) => subtask === reader.subtaskIndex)
}

function pausedChannel(
  { vertices }: Attempts,
  reader: ExecutionAttempt,
  producer: ExecutionAttempt,
  sinceMs: number,
): VertexWatermarkHold {
  const nameOf = ({ vertexId, subtaskIndex }: ExecutionAttempt): string =>
    `${vertices.get(vertexId)?.vertex.name} (${subtaskIndex + 1})`
  return {
    what: `rows from ${nameOf(producer)}`,
    reason: 'paused',
    sinceMs,
    lastEventTimeMs: producer.metrics?.currentInputWatermark ?? Number.NEGATIVE_INFINITY,
    hint: 'They are read when the checkpoint has its barriers from all channels.',
    subtask: reader.subtaskIndex,
    operator: nameOf(reader),
  }
}

/**
 * The splits that hold a source back. A subtask with one split cannot tell whether it is behind or
 * all input has stopped; it is behind when another subtask is ahead.
 */
function splitHolds(vertex: ExecutionVertex): VertexWatermarkHold[] {
  const watermarks = vertex.subtasks.map(({ current }) => current.metrics?.currentInputWatermark)
  const furthest = Math.max(
    ...watermarks.filter((watermark) => Number.isFinite(watermark)).map(Number),
  )
  return vertex.subtasks.flatMap(({ index, current }) =>
    (current.metrics?.operators ?? []).flatMap(({ operatorName, watermarkHold }) => {
      if (watermarkHold === null || watermarkHold === undefined) return []
      const { certain, ...hold } = watermarkHold
      const behind = certain || Number(watermarks[index] ?? Number.NEGATIVE_INFINITY) < furthest
      return behind ? [{ ...hold, subtask: index, operator: operatorName }] : []
    }),
  )
}
