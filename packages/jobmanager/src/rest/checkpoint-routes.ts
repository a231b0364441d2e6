/** Routes about a job's checkpoints: statistics, configuration, details. */
import { type CheckpointsConfigAnswer, REST_PATHS } from '@millrace/rest-api'
import { checkpointSettingsOf } from '../checkpoint/checkpoint-settings.ts'
import { jobManagerError } from '../error-codes.ts'
import type { JobMaster } from '../job-master/job-master.ts'
import type { RestContext, Route } from './route.ts'

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
}

function checkpointsConfig({
  configuration,
  checkpointDirectory,
}: JobMaster): CheckpointsConfigAnswer {
  const settings = checkpointSettingsOf(configuration)
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
    unaligned_checkpoints: false,
    tolerable_failed_checkpoints: settings?.tolerableFailures ?? 0,
    aligned_checkpoint_timeout: 0,
    checkpoints_after_tasks_finish: true,
    state_changelog_enabled: false,
  }
}
