/** Routes about TaskManagers: who they are, their metrics and logs. */
import type { LogFile, ThreadState } from '@millrace/platform'
import type { ProcessQuestion } from '@millrace/protocol'
import { REST_PATHS } from '@millrace/rest-api'
import { jobManagerError } from '../error-codes.ts'
import type { RegisteredTaskManager } from '../taskmanager-registry/registered-task-manager.ts'
import { logFiles, noSuchLog, threadDump } from './log-view.ts'
import { aggregatedMetrics, plainMetrics } from './metric-answers.ts'
import type { RestContext, Route } from './route.ts'
import { taskManagerDetail, taskManagerEntry } from './task-manager-view.ts'

export function mountTaskManagerRoutes(route: Route, context: RestContext): void {
  const named = (parameters: Readonly<Record<string, string>>) =>
    taskManagerOf(context, parameters.taskmanagerid as string)
  const ask = async (parameters: Readonly<Record<string, string>>, question: ProcessQuestion) => {
    const { fence } = context
    return (await named(parameters).gateway.inspect({ fence, question })).answer
  }
  const valuesOf = ({ metrics }: RegisteredTaskManager) =>
    new Map(Object.entries(metrics?.process ?? {}))
  route('GET', REST_PATHS.taskManagers, () => ({
    taskmanagers: context.registry.all().map((each) => taskManagerEntry(context, each)),
  }))
  route('GET', REST_PATHS.taskManagersMetrics, ({ query }) => {
    const ids = query.taskmanagers?.split(',')
    const wanted = context.registry.all().filter(({ id }) => ids?.includes(id) ?? true)
    return aggregatedMetrics(wanted.map(valuesOf), query)
  })
  route(
    'GET',
    REST_PATHS.taskManager,
    ({ parameters }) => taskManagerDetail(context, named(parameters)),
    { failsInside: true },
  )
  route('GET', REST_PATHS.taskManagerMetrics, ({ parameters, query }) => {
    const known = context.registry.get(parameters.taskmanagerid as string)
    return known === undefined ? [] : plainMetrics(valuesOf(known), query.get)
  })
  route('GET', REST_PATHS.taskManagerLogs, async ({ parameters }) =>
    logFiles((await ask(parameters, { kind: 'log-files' })) as LogFile[] | null),
  )
  route('GET', REST_PATHS.taskManagerThreadDump, async ({ parameters }) =>
    threadDump((await ask(parameters, { kind: 'threads' })) as ThreadState[] | null),
  )
  const log = async (parameters: Readonly<Record<string, string>>, name: string | null) => {
    const text = await ask(parameters, { kind: 'log', name })
    if (typeof text === 'string') return text
    throw noSuchLog(`TaskManager ${parameters.taskmanagerid}`, name, 'taskmanager.log.path')
  }
  const text = { type: 'text/plain' }
  route('GET', REST_PATHS.taskManagerLog, ({ parameters }) => log(parameters, null), text)
  route(
    'GET',
    REST_PATHS.taskManagerLogFile,
    ({ parameters }) => log(parameters, parameters.filename as string),
    text,
  )
  // What a process prints is in its log: it has one stream for both.
  route(
    'GET',
    REST_PATHS.taskManagerStdout,
    ({ parameters }) => {
      named(parameters)
      return ''
    },
    text,
  )
}

/** Throws TASK_MANAGER_NOT_FOUND. */
function taskManagerOf({ registry }: RestContext, id: string): RegisteredTaskManager {
  const taskManager = registry.get(id)
  if (taskManager !== undefined) return taskManager
  const known = registry.all().map((other) => other.id)
  throw jobManagerError('TASK_MANAGER_NOT_FOUND', `No TaskManager '${id}' is registered.`, {
    hint: known.length === 0 ? 'None is registered.' : `Registered: ${known.join(', ')}.`,
  })
}
