/**
 * Which checkpoint the next one may build upon: the latest, where every task of the round has just
 * what it has, and its segments are this job's to share. Pure.
 */
import type { CheckpointManifest } from '@millrace/state'
import { sharedPath } from '@millrace/state'
import type { ExecutionGraph } from '../execution-graph/execution-graph.ts'

export interface BaseFacts {
  readonly latest: CheckpointManifest | null
  /** Where `latest` is. */
  readonly latestPath: string
  /** The job's own directory; null: in memory. */
  readonly directory: string | null
  readonly graph: Pick<ExecutionGraph, 'vertices'>
}

/** Null: all state is written anew. */
export function decideBase({
  latest,
  latestPath,
  directory,
  graph,
}: BaseFacts): CheckpointManifest | null {
  if (latest === null || directory === null) return null
  // What another job or a user has may go at any time.
  if (!latestPath.startsWith(`${directory}/`) || latest.savepoint !== undefined) return null
  const shared = `${sharedPath(directory)}/`
  for (const { vertexId, parallelism, subtasks } of latest.operators) {
    if (graph.vertices.get(vertexId)?.vertex.parallelism !== parallelism) return null
    for (const handles of subtasks) {
      for (const { handle, keyGroups } of handles?.parts ?? []) {
        const isOwn = handle.kind === 'inline' || handle.path.startsWith(shared)
        if (keyGroups !== null && !isOwn) return null
      }
    }
  }
  return latest
}
