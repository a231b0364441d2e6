/** Waits for a savepoint that was triggered, and says how far it has come. */
import { failureOf, type RestClient } from '@millrace/rest-api'

const POLL_MS = 100

/** Resolves with the savepoint's directory; rejects with what it failed with. */
export async function awaitSavepoint(
  rest: RestClient,
  jobId: string,
  triggerId: string,
  report: (progress: string) => void,
): Promise<string> {
  for (;;) {
    const answer = await rest.savepointStatus(jobId, triggerId)
    const failure = failureOf(answer)
    if (failure !== null) throw failure
    if (answer.status.id === 'COMPLETED') return answer.operation?.location ?? ''
    report(await describe(rest, jobId))
    await new Promise((wake) => setTimeout(wake, POLL_MS))
  }
}

async function describe(rest: RestClient, jobId: string): Promise<string> {
  const { history } = await rest.jobCheckpoints(jobId)
  const own = history.find(({ is_savepoint }) => is_savepoint)
  if (own === undefined) return `savepoint of job ${jobId}: waits for its turn`
  if (own.status === 'COMPLETED') return `savepoint of job ${jobId}: complete, the job is ending`
  const { num_acknowledged_subtasks: done, num_subtasks: all } = own
  return `savepoint of job ${jobId}: ${done} of ${all} subtasks have written their state`
}
