/** Vertices, subtasks and attempts that a path names. */
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import type { ExecutionSubtask, ExecutionVertex } from '../execution-graph/execution-graph.ts'
import { requireReadableVertexId } from './request-ids.ts'
import type { RestContext } from './route.ts'

type Parameters = Readonly<Record<string, string>>

/** Throws JOB_NOT_FOUND, JOB_VERTEX_NOT_FOUND. */
export function vertexOf({ dispatcher }: RestContext, parameters: Parameters): ExecutionVertex {
  const { graph, jobId } = dispatcher.get(parameters.jobid as string)
  const vertex = graph.vertices.get(parameters.vertexid as string)
  if (vertex !== undefined) return vertex
  requireReadableVertexId(parameters.vertexid)
  throw jobManagerError(
    'JOB_VERTEX_NOT_FOUND',
    `Job ${jobId} has no vertex ${parameters.vertexid}.`,
    { hint: `Its vertices: ${[...graph.vertices.keys()].join(', ')}.` },
  )
}

/** Throws JOB_NOT_FOUND, JOB_VERTEX_NOT_FOUND, JOB_SUBTASK_NOT_FOUND. */
export function subtaskOf(context: RestContext, parameters: Parameters): ExecutionSubtask {
  const { vertex, subtasks } = vertexOf(context, parameters)
  const subtask = subtasks[Number(parameters.subtaskindex)]
  if (subtask !== undefined) return subtask
  throw jobManagerError(
    'JOB_SUBTASK_NOT_FOUND',
    `Vertex ${vertex.id} has subtasks 0 to ${vertex.parallelism - 1}; there is no ${parameters.subtaskindex}.`,
  )
}

/** Also of an earlier round. Throws as `subtaskOf`, ATTEMPT_NOT_FOUND. */
export function attemptOf(context: RestContext, parameters: Parameters): ExecutionAttempt {
  const { index, current } = subtaskOf(context, parameters)
  const job = context.dispatcher.get(parameters.jobid as string)
  const known = [...job.earlierAttempts(current.vertexId, index), current]
  const found = known.find(({ number }) => number === Number(parameters.attempt))
  if (found !== undefined) return found
  const numbers = known.map(({ number }) => number).join(', ')
  throw jobManagerError(
    'ATTEMPT_NOT_FOUND',
    `Subtask ${index} of vertex ${current.vertexId} has no attempt ${parameters.attempt}.`,
    { hint: `Known: ${numbers}.` },
  )
}
