/**
 * States of a job and of a task attempt, as the reference engine names them, and which of
 * them are ends.
 */
import type { ExecutionState, JobStatus } from '@millrace/rest-api'

export type { ExecutionState, JobStatus }

export const JOB_STATES: readonly JobStatus[] = [
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'RESTARTING',
  'SUSPENDED',
  'RECONCILING',
]

export const EXECUTION_STATES: readonly ExecutionState[] = [
  'CREATED',
  'SCHEDULED',
  'DEPLOYING',
  'INITIALIZING',
  'RUNNING',
  'FINISHED',
  'CANCELING',
  'CANCELED',
  'FAILED',
  'RECONCILING',
]

export type TerminalJobStatus = 'FINISHED' | 'FAILED' | 'CANCELED'

export function isTerminalJobStatus(state: JobStatus): state is TerminalJobStatus {
  return state === 'FINISHED' || state === 'FAILED' || state === 'CANCELED'
}

export function isTerminal(state: ExecutionState): boolean {
  return state === 'FINISHED' || state === 'CANCELED' || state === 'FAILED'
}

/** Whether a TaskManager has or may have something of the attempt. */
export function isDeployed(state: ExecutionState): boolean {
  return (
    state === 'DEPLOYING' ||
    state === 'INITIALIZING' ||
    state === 'RUNNING' ||
    state === 'CANCELING'
  )
}

const ORDER: Partial<Record<ExecutionState, number>> = {
  CREATED: 0,
  SCHEDULED: 1,
  DEPLOYING: 2,
  INITIALIZING: 3,
  RUNNING: 4,
  CANCELING: 5,
  FINISHED: 6,
  CANCELED: 6,
  FAILED: 6,
}

/** Attempts only go forward: reports that arrive late or twice change nothing. */
export function mayFollow(from: ExecutionState, to: ExecutionState): boolean {
  return (ORDER[to] as number) > (ORDER[from] as number)
}
