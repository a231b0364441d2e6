/**
 * A job that is stopped by a savepoint, whatever strikes meanwhile: asked for again as long as it
 * runs on, until it has ended.
 */
import { randomUUID } from 'node:crypto'
import { isMillraceError } from '@millrace/core'
import type { RestClient } from '@millrace/rest-api'

const POLL_MS = 200
/** How long a status may stay unanswered before the stop is asked for by another id. */
const UNANSWERED_MS = 10_000
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export interface StopRequest {
  readonly jobId: string
  /** Below which the savepoint is made. */
  readonly directory: string
  readonly timeoutMs: number
  /** Of whoever leads now. */
  rest(): RestClient
  log(text: string): void
}

/** The savepoint that it ended with. Rejects when it has not ended in time, or otherwise. */
export async function stopWithSavepoint(request: StopRequest): Promise<string> {
  const { jobId, log } = request
  const deadlineMs = Date.now() + request.timeoutMs
  let triggerId: string | null = null
  let answeredMs = 0
  let last = 'nothing was answered'
  while (Date.now() < deadlineMs) {
    try {
      const rest = request.rest()
      const { state } = await rest.jobDetail(jobId)
      last = `it is ${state}`
      if (state === 'FINISHED') return await savepointOf(rest, jobId)
      if (state === 'CANCELED' || state === 'FAILED') break
      if (Date.now() - answeredMs > UNANSWERED_MS) triggerId = null
      if (triggerId === null) {
        if (state !== 'RUNNING') continue
        triggerId = randomUUID().replaceAll('-', '')
        answeredMs = Date.now()
        const targetDirectory = request.directory
        await rest.triggerStop(jobId, { targetDirectory, drain: false, triggerId })
      } else {
        const { status, operation } = await rest.savepointStatus(jobId, triggerId)
        answeredMs = Date.now()
        const failure = operation?.['failure-cause']
        if (status.id === 'COMPLETED' && failure !== undefined) {
          log(`the stop was given up: ${JSON.stringify(failure).slice(0, 200)}`)
          triggerId = null
        }
      }
    } catch (error) {
      last = (error as Error).message
      // Whoever leads now may not know of it.
      if (isMillraceError(error) && error.code.startsWith('OPERATION_')) triggerId = null
    } finally {
      await sleep(POLL_MS)
    }
  }
  throw new Error(`Job ${jobId} was not stopped by a savepoint: ${last}.`)
}

async function savepointOf(rest: RestClient, jobId: string): Promise<string> {
  const reason = (await rest.jobDetail(jobId))['status-reason'] ?? ''
  const path = /^stopped by savepoint (.+)$/.exec(reason)?.[1]
  if (path === undefined) throw new Error(`Job ${jobId} is FINISHED and names no savepoint.`)
  return path
}
