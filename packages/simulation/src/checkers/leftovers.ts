/**
 * After a job's end nothing of it is left: no slot taken, no thread but spares, no data connection,
 * no open transaction, no checkpoint that nobody retains.
 */
import { isOfNeighbour } from '../environment/neighbour-names.ts'
import {
  CHECKPOINT_DIRECTORY,
  type SimulatedEnvironment,
} from '../environment/simulated-environment.ts'
import type { FailedEnd } from './named-end.ts'
import { sharedFilesAt } from './segment-checker.ts'
import type { Violation } from './violation.ts'

const DETAILS_MAX = 10

/** `failed`: how the last job ended, when it failed as it should. */
export function checkLeftovers(
  environment: SimulatedEnvironment,
  failed: FailedEnd | null = null,
): Violation[] {
  return [
    ...slots(environment),
    ...transactions(environment, failed !== null),
    ...dataLinks(environment),
    ...localFiles(environment),
    ...checkpoints(environment, failed?.retained ?? []),
  ]
}

function slots(environment: SimulatedEnvironment): Violation[] {
  const leader = environment.cluster.leader()
  if (leader === null) return [found('leader', 'No JobManager leads.', [])]
  const { total, free } = leader.jobManager.slotPool.counts()
  const expected =
    environment.taskManagerHosts.length * Number(environment.shape.slotsPerTaskManager)
  if (total === expected && free === total) return []
  return [
    found('slots', 'Slots are not free after the end of every job.', [
      `${free} of ${total} are free`,
      `the TaskManagers have ${expected}`,
    ]),
  ]
}

/**
 * Every transaction of a job, but those that a late request to add partitions opened again after
 * their end, and that hold no record: nobody waits for them, nothing is ever written to them, and
 * the broker's timeout ends them.
 *
 * A job that failed leaves ongoing ones: what it had pre-committed can still be committed by a job
 * that is started from the checkpoint that it keeps, and nobody comes after a task that died; nor
 * after a neighbour's that died while it was cancelled. None stays half ended.
 */
function transactions(environment: SimulatedEnvironment, hasFailed: boolean): Violation[] {
  const open = environment.broker.inspect
    .openTransactions()
    .filter(({ reopened, holding }) => !reopened || holding.length > 0)
    .filter(({ status, transactionalId }) => {
      return status !== 'Ongoing' || !(hasFailed || isOfNeighbour(transactionalId))
    })
  if (open.length === 0) return []
  return [
    found(
      'transactions',
      'Transactions are open after the end of every job: readers wait for them.',
      open.map(({ transactionalId, status, holding }) => {
        const held = holding.length > 0 ? `, holding ${holding.join(', ')}` : ', without a record'
        return `${transactionalId} is ${status}${held}`
      }),
    ),
  ]
}

/** Of processes that live: others' files went with them. */
function localFiles({ localDisks }: SimulatedEnvironment): Violation[] {
  const open = [...localDisks.open].filter(([process, count]) => process.alive && count > 0)
  if (open.length === 0) return []
  return [
    found(
      'local files',
      'Temporary files are open after the end of every job.',
      open.slice(0, DETAILS_MAX).map(([{ name }, count]) => `${name} has ${count}`),
    ),
  ]
}

/** Control connections stay; those of slots do not. */
function dataLinks(environment: SimulatedEnvironment): Violation[] {
  const open = environment.network
    .links()
    .filter(
      ({ client, server }) => client.process.parent !== null && server.process.parent !== null,
    )
  if (open.length === 0) return []
  return [
    found(
      'connections',
      'Connections between slots are open after the end of every job.',
      open.map(({ client, server }) => `${client.process.name} to ${server.process.name}`),
    ),
  ]
}

/** `kept`: by a job that may have been forgotten by now. */
function checkpoints(environment: SimulatedEnvironment, kept: readonly string[]): Violation[] {
  const leader = environment.cluster.leader()
  const retained = new Set<string>(kept)
  const jobs = leader?.jobManager.dispatcher.all() ?? []
  for (const job of jobs) {
    for (const path of job.retainedCheckpoints) retained.add(path)
  }
  const needed = new Set<string>()
  for (const location of retained) {
    for (const path of sharedFilesAt(environment.disk, location)) needed.add(path)
  }
  const leaked = environment.disk
    .files(CHECKPOINT_DIRECTORY)
    .map(({ path }) => path)
    .filter((path) => !retained.has(path.slice(0, path.lastIndexOf('/'))) && !needed.has(path))
  if (leaked.length === 0) return []
  return [found('files', 'Checkpoint files that nobody refers to are left for ever.', leaked)]
}

function found(checker: string, message: string, details: readonly string[]): Violation {
  return { checker, message, details: details.slice(0, DETAILS_MAX) }
}
