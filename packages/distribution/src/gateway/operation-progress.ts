/**
 * Operations on a job as those who wait for them see them: savepoints, stops, checkpoints, what
 * each waits for by name.
 */
import type {
  AsyncOperationAnswer,
  CheckpointEntry,
  JobDetail,
  RestClient,
} from '@millrace/rest-api'
import { type AwaitedOperation, triggeredOutcome } from './await-operation.ts'

type Operation = NonNullable<AsyncOperationAnswer['operation']>

/** Resolves with the savepoint's directory. */
export function savepointOperation(
  rest: RestClient,
  jobId: string,
  triggerId: string,
): AwaitedOperation<string> {
  const title = `savepoint of job ${jobId}`
  return jobOperation(rest, jobId, {
    title,
    isSavepoint: true,
    ask: () => rest.savepointStatus(jobId, triggerId),
    result: ({ location }) => location ?? '',
    hint: `The savepoint may still be completed, and the job then be stopped if that was asked for: npx millrace list ${jobId}.`,
  })
}

/** Resolves with the checkpoint's id. */
export function checkpointOperation(
  rest: RestClient,
  jobId: string,
  triggerId: string,
): AwaitedOperation<number> {
  return jobOperation(rest, jobId, {
    title: `checkpoint of job ${jobId}`,
    isSavepoint: false,
    ask: () => rest.checkpointStatus(jobId, triggerId),
    result: ({ checkpointId }) => checkpointId as number,
    hint: `The checkpoint may still be completed, and the job goes on: npx millrace list ${jobId}.`,
  })
}

/** Resolves once its files are gone. */
export function disposalOperation(
  rest: RestClient,
  location: string,
  triggerId: string,
): AwaitedOperation<true> {
  const title = `removal of ${location}`
  return {
    title,
    async outcome() {
      const ask = () => rest.savepointDisposalStatus(triggerId)
      const found = async () => 'Whether it is gone, its directory shows.'
      return (await triggeredOutcome(title, ask, found)) === null ? null : true
    },
    progress: async () => 'waits until its files are removed',
    hint: 'The cluster goes on removing it; asking again does no harm.',
  }
}

function jobOperation<T>(
  rest: RestClient,
  jobId: string,
  about: {
    readonly title: string
    readonly isSavepoint: boolean
    ask(): Promise<AsyncOperationAnswer>
    result(operation: Operation): T
    readonly hint: string
  },
): AwaitedOperation<T> {
  const { title, hint } = about
  let own: number | null = null
  return {
    title,
    hint,
    async outcome() {
      const found = async () => {
        const { state, 'status-reason': reason } = await rest.jobDetail(jobId)
        return `Job ${jobId} is ${state}${reason === null ? '' : `: ${reason}`}.`
      }
      const operation = await triggeredOutcome(title, about.ask, found)
      return operation === null ? null : about.result(operation)
    },
    async progress() {
      const { history } = await rest.jobCheckpoints(jobId)
      const isOwn = (entry: CheckpointEntry) =>
        entry.status === 'IN_PROGRESS' && entry.is_savepoint === about.isSavepoint
      own = history.find(isOwn)?.id ?? own
      return describe(history, own, await rest.jobDetail(jobId))
    },
  }
}

/** Exported for its test. */
export function describe(
  history: readonly CheckpointEntry[],
  own: number | null,
  job: Pick<JobDetail, 'state' | 'status-reason' | 'vertices'>,
): string {
  const entry = history.find(({ id }) => id === own)
  if (entry?.status === 'COMPLETED') {
    return `is complete, and waits for the job to end: it is ${stateOf(job)}`
  }
  if (entry?.status === 'IN_PROGRESS') return written(entry, job)
  if (job.state !== 'RUNNING') return `waits while the job is ${stateOf(job)}`
  const before = history.find(({ status }) => status === 'IN_PROGRESS')
  if (before === undefined) return 'waits for its turn'
  const what = before.is_savepoint ? 'savepoint' : 'checkpoint'
  return `waits for ${what} ${before.id} to end: ${written(before, job)}`
}

function stateOf({ state, 'status-reason': reason }: Pick<JobDetail, 'state' | 'status-reason'>) {
  return reason === null ? state : `${state} (${reason})`
}

/** Which vertices have yet to write. */
function written(entry: CheckpointEntry, { vertices }: Pick<JobDetail, 'vertices'>): string {
  const { num_acknowledged_subtasks: done, num_subtasks: all, tasks } = entry
  const far = `${done} of ${all} subtasks have written their state`
  const missing = vertices.flatMap(({ id, name }) => {
    const task = tasks[id]
    if (task === undefined || task.num_acknowledged_subtasks === task.num_subtasks) return []
    return [`${name} (${task.num_acknowledged_subtasks} of ${task.num_subtasks})`]
  })
  if (missing.length === 0) return `${far}; its metadata is being written`
  return `${far}; ${missing.length === 1 ? 'it waits' : 'they wait'} for ${missing.join(', ')}`
}
