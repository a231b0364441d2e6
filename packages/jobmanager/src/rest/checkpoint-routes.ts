/** Routes about a job's checkpoints: statistics, configuration, details, taking one now. */
import { type CheckpointsConfigAnswer, type CheckpointType, REST_PATHS } from '@millrace/rest-api'
import { checkpointSettingsOf } from '../checkpoint/checkpoint-settings.ts'
import { jobManagerError } from '../error-codes.ts'
import type { JobMaster } from '../job-master/job-master.ts'
import { RestOptions } from '../jobmanager-options.ts'
import { AsyncOperations } from './async-operations.ts'
import { answerOf, fieldsOf, invalidRequest, triggerIdOf } from './operation-requests.ts'
import type { RestContext, Route } from './route.ts'

/** `FULL` writes all state anew; whether others build upon one before, the job's settings say. */
const TYPES: readonly CheckpointType[] = ['CONFIGURED', 'FULL', 'INCREMENTAL']

export function mountCheckpointRoutes(route: Route, context: RestContext): void {
  const jobOf = (parameters: Readonly<Record<string, string>>) =>
    context.dispatcher.get(parameters.jobid as string)
  route('GET', REST_PATHS.jobCheckpoints, ({ parameters }) => jobOf(parameters).statistics.answer())
  route('GET', REST_PATHS.jobCheckpointsConfig, ({ parameters }) =>
    checkpointsConfig(jobOf(parameters)),
  )
  route('GET', REST_PATHS.jobCheckpointDetails, ({ parameters }) => {
    const details = jobOf(parameters).statistics.details(Number(parameters.checkpointid))
    if (details !== null) return details
    throw jobManagerError(
      'CHECKPOINT_UNKNOWN',
      `Checkpoint ${parameters.checkpointid} is not in the history of job ${parameters.jobid}.`,
      { hint: 'Raise web.checkpoints.history to keep more.' },
    )
  })
  route('GET', REST_PATHS.jobCheckpointSubtasks, ({ parameters }) => {
    const { checkpointid, vertexid, jobid } = parameters as Record<string, string>
    const { statistics } = jobOf(parameters)
    const found = statistics.subtasks(Number(checkpointid), vertexid as string)
    if (found !== null) return found
    throw jobManagerError(
      'CHECKPOINT_UNKNOWN',
      `Checkpoint ${checkpointid} of vertex ${vertexid} is not in the history of job ${jobid}.`,
      { hint: 'Raise web.checkpoints.history to keep more.' },
    )
  })
  mountTrigger(route, context)
}

/**
 * A trigger is answered at once, whatever the job is: how it went is said by the status, under the
 * path that takes `config` and `details` for no ids.
 */
function mountTrigger(route: Route, context: RestContext): void {
  const { platform, configuration } = context
  const operations = new AsyncOperations(
    platform.clock,
    configuration.get(RestOptions.asyncStoreDuration),
  )
  const keyOf = (jobId: string, triggerId: string) => `checkpoint of ${jobId}: ${triggerId}`
  route(
    'POST',
    REST_PATHS.jobCheckpoints,
    ({ parameters, body }) => {
      const jobId = parameters.jobid as string
      const fields = fieldsOf(body)
      const type = fields.checkpointType ?? 'CONFIGURED'
      if (!TYPES.includes(type as CheckpointType)) {
        const found = JSON.stringify(type)
        throw invalidRequest(`Set 'checkpointType' to one of ${TYPES.join(', ')}; it is ${found}`)
      }
      const triggerId = triggerIdOf(fields.triggerId, context)
      operations.trigger(keyOf(jobId, triggerId), async () =>
        context.dispatcher.get(jobId).takeCheckpoint(type === 'FULL'),
      )
      return { 'request-id': triggerId }
    },
    { status: 202 },
  )
  route('GET', REST_PATHS.jobCheckpoint, ({ parameters }) => {
    const { jobid: jobId, triggerid } = parameters as { jobid: string; triggerid: string }
    const triggerId = triggerIdOf(triggerid, context)
    const state = operations.get(keyOf(jobId, triggerId))
    if (state !== null) return answerOf(state, (id) => ({ checkpointId: id as number }))
    throw jobManagerError(
      'OPERATION_UNKNOWN',
      `There is no checkpoint operation with triggerId=${triggerId} for job ${jobId}.`,
      { hint: 'The history of the job’s checkpoints names them all.' },
    )
  })
}

function checkpointsConfig({
  configuration,
  checkpointDirectory,
}: JobMaster): CheckpointsConfigAnswer {
  const all = checkpointSettingsOf(configuration)
  // As the reference shows a job that takes none by itself.
  const settings = all.intervalMs === null ? null : all
  return {
    mode: settings?.mode === 'at-least-once' ? 'at_least_once' : 'exactly_once',
    interval: settings?.intervalMs ?? 9_223_372_036_854_776_000,
    timeout: settings?.timeoutMs ?? 600_000,
    min_pause: settings?.minPauseMs ?? 0,
    max_concurrent: settings?.maxConcurrent ?? 1,
    externalization: {
      enabled: settings !== null && settings.retention !== 'NO_EXTERNALIZED_CHECKPOINTS',
      delete_on_cancellation: settings?.retention !== 'RETAIN_ON_CANCELLATION',
    },
    state_backend: 'HashMapStateBackend',
    checkpoint_storage:
      checkpointDirectory === null ? 'JobManagerCheckpointStorage' : 'FileSystemCheckpointStorage',
    unaligned_checkpoints: settings !== null && settings.unalignedAfterMs !== null,
    tolerable_failed_checkpoints: settings?.tolerableFailures ?? 0,
    aligned_checkpoint_timeout: settings?.unalignedAfterMs ?? 0,
    checkpoints_after_tasks_finish: settings?.afterTasksFinish ?? true,
    state_changelog_enabled: false,
    changelog_periodic_materialization_interval: 600_000,
    changelog_storage: 'memory',
  }
}
