/**
 * Routes that remove a savepoint, or a checkpoint that was retained: a trigger, then what became
 * of it.
 *
 * Removed is what its manifest names and nothing else. What a job that has not ended may still go
 * back to is refused; the reference removes that, too.
 */
import { REST_PATHS } from '@millrace/rest-api'
import { disposeCheckpoint, savepointTarget } from '@millrace/state'
import { jobManagerError } from '../error-codes.ts'
import { isTerminalJobStatus } from '../execution-graph/execution-state.ts'
import { RestOptions } from '../jobmanager-options.ts'
import { AsyncOperations } from './async-operations.ts'
import { answerOf, fieldsOf, invalidRequest, triggerIdOf } from './operation-requests.ts'
import type { RestContext, Route } from './route.ts'

export function mountDisposalRoutes(route: Route, context: RestContext): void {
  const { platform, configuration } = context
  const keepMs = configuration.get(RestOptions.asyncStoreDuration)
  const operations = new AsyncOperations(platform.clock, keepMs)
  route('POST', REST_PATHS.savepointDisposals, ({ body }) => {
    const fields = fieldsOf(body)
    const path = fields['savepoint-path']
    if (typeof path !== 'string' || path === '') {
      throw invalidRequest(`Set 'savepoint-path' to a text; it is ${JSON.stringify(path ?? null)}`)
    }
    const triggerId = triggerIdOf(fields.triggerId, context)
    operations.trigger(triggerId, async () => {
      const location = savepointTarget(path, platform.filesystem)
      requireUnused(location, context)
      await disposeCheckpoint(location, platform.filesystem)
    })
    return { 'request-id': triggerId }
  })
  route('GET', REST_PATHS.savepointDisposal, ({ parameters }) => {
    const triggerId = triggerIdOf(parameters.triggerid, context)
    const state = operations.get(triggerId)
    if (state !== null) return answerOf(state, () => ({}))
    throw jobManagerError(
      'OPERATION_UNKNOWN',
      `There is no savepoint disposal with triggerId=${triggerId}.`,
      { hint: 'Whether the savepoint is gone, its directory shows.' },
    )
  })
}

/** A job's checkpoints are in `JOB_ID/chk-N`. Throws CHECKPOINT_IN_USE. */
function requireUnused(location: string, { dispatcher }: RestContext): void {
  const [, jobId] = /\/([0-9a-f]{32})\/chk-\d+(?:\/_metadata)?$/.exec(location) ?? []
  const job = jobId === undefined ? undefined : dispatcher.find(jobId)
  if (job === undefined || isTerminalJobStatus(job.state)) return
  throw jobManagerError(
    'CHECKPOINT_IN_USE',
    `Cannot remove ${location}: job ${jobId} is ${job.state} and may go back to it.`,
    {
      hint: 'Its own checkpoints go as newer ones take their place; cancel the job first to remove them by hand.',
      location: { file: location },
    },
  )
}
