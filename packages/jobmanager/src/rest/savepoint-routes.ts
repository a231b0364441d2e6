/**
 * Routes about savepoints: trigger one of a running job, which goes on or is stopped by it, and ask
 * what became of it.
 *
 * A trigger is answered at once, whatever the job is: how it went is said by the status, as the
 * reference does. Only what is wrong with the request itself is refused.
 */
import { REST_PATHS, type SavepointFormatType } from '@millrace/rest-api'
import { SAVEPOINT_DIRECTORY } from '@millrace/state'
import type { SavepointFormat } from '../checkpoint/pending-savepoint.ts'
import { jobManagerError } from '../error-codes.ts'
import { RestOptions } from '../jobmanager-options.ts'
import { AsyncOperations } from './async-operations.ts'
import { answerOf, fieldsOf, invalidRequest, triggerIdOf } from './operation-requests.ts'
import type { RestContext, Route } from './route.ts'

const FORMATS: Readonly<Record<SavepointFormatType, SavepointFormat>> = {
  CANONICAL: 'canonical',
  NATIVE: 'native',
}

export function mountSavepointRoutes(route: Route, context: RestContext): void {
  const { platform, configuration } = context
  const keepMs = configuration.get(RestOptions.asyncStoreDuration)
  const operations = new AsyncOperations(platform.clock, keepMs)
  const keyOf = (jobId: string, triggerId: string) => `savepoint of ${jobId}: ${triggerId}`
  route(
    'POST',
    REST_PATHS.jobSavepoints,
    ({ parameters, body }) => {
      const jobId = parameters.jobid as string
      const fields = fieldsOf(body)
      const format = formatOf(fields.formatType)
      const target = textOf(fields, 'target-directory')
      const stops = flagOf(fields, 'cancel-job')
      const targetDirectory = target ?? requireDirectory(context, jobId)
      const triggerId = triggerIdOf(fields.triggerId, context)
      operations.trigger(keyOf(jobId, triggerId), async () => {
        const { dispatcher } = context
        const request = { targetDirectory, format, after: stops ? 'suspend' : 'go-on' } as const
        if (stops) return dispatcher.stopWithSavepoint(jobId, request)
        return dispatcher.get(jobId).savepoint(request)
      })
      return { 'request-id': triggerId }
    },
    { status: 202 },
  )
  route(
    'POST',
    REST_PATHS.jobStop,
    ({ parameters, body }) => {
      const jobId = parameters.jobid as string
      const fields = fieldsOf(body)
      const format = formatOf(fields.formatType)
      const after = flagOf(fields, 'drain') ? 'drain' : 'suspend'
      const targetDirectory = textOf(fields, 'targetDirectory') ?? requireDirectory(context, jobId)
      const triggerId = triggerIdOf(fields.triggerId, context)
      operations.trigger(keyOf(jobId, triggerId), async () =>
        context.dispatcher.stopWithSavepoint(jobId, { targetDirectory, format, after }),
      )
      return { 'request-id': triggerId }
    },
    { status: 202 },
  )
  route('GET', REST_PATHS.jobSavepoint, ({ parameters }) => {
    const { jobid: jobId, triggerid } = parameters as { jobid: string; triggerid: string }
    const triggerId = triggerIdOf(triggerid, context)
    const state = operations.get(keyOf(jobId, triggerId))
    if (state !== null) return answerOf(state, (location) => ({ location: location as string }))
    throw jobManagerError(
      'OPERATION_UNKNOWN',
      `There is no savepoint operation with triggerId=${triggerId} for job ${jobId}.`,
      { hint: 'The history of the job’s checkpoints names its savepoints, too.' },
    )
  })
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = fields[name] ?? null
  if (value === null || (typeof value === 'string' && value !== '')) return value
  throw invalidRequest(`Set '${name}' to a text; it is ${JSON.stringify(value)}`)
}

function flagOf(fields: Readonly<Record<string, unknown>>, name: string): boolean {
  const value = fields[name] ?? false
  if (typeof value === 'boolean') return value
  throw invalidRequest(`Set '${name}' to true or false; it is ${JSON.stringify(value)}`)
}

function formatOf(value: unknown): SavepointFormat {
  const named = value ?? 'CANONICAL'
  const format = FORMATS[named as SavepointFormatType]
  if (typeof named === 'string' && format !== undefined) return format
  throw invalidRequest(`Set 'formatType' to CANONICAL or NATIVE; it is ${JSON.stringify(value)}`)
}

/** Throws SAVEPOINT_DIRECTORY_MISSING. */
function requireDirectory({ dispatcher, configuration }: RestContext, jobId: string): string {
  const job = dispatcher.find(jobId)
  const directory = (job?.configuration ?? configuration).get(SAVEPOINT_DIRECTORY)
  if (directory !== undefined) return directory
  const { key } = SAVEPOINT_DIRECTORY
  throw jobManagerError(
    'SAVEPOINT_DIRECTORY_MISSING',
    `Name a directory for the savepoint (target-directory), or set '${key}'.`,
    {
      hint: 'For example: npx millrace savepoint JOB_ID file:///var/millrace/savepoints.',
      location: { optionKey: key },
    },
  )
}
