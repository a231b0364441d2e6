/**
 * Answers of the SQL gateway as the reference engine gives them: every recorded request and
 * statement, sent to a cluster of ours, in the order in which they were recorded.
 *
 * `gateway-not-yet.json` names what differs still: a list that may only shrink.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { type RecordedAnswer, recordedAnswers } from './answer-differences.ts'
import { RecordedList } from './recorded-list.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-gateway-'))
const cluster = await LocalCluster.start({
  directory,
  taskManagers: 1,
  slotsPerTaskManager: 6,
  properties: {
    'parallelism.default': '1',
    'execution.checkpointing.savepoint-dir': `file://${join(directory, 'savepoints')}`,
  },
})
await cluster.ready()
after(async () => {
  await cluster.stop()
  rmSync(directory, { recursive: true, force: true })
})

const list = new RecordedList('gateway-not-yet')

async function send(method: string, path: string, body?: string) {
  const response = await fetch(`${cluster.restAddress}${path}`, {
    method: method === 'GET' && body !== undefined ? 'POST' : method,
    ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
  })
  const text = await response.text()
  return { status: response.status, body: JSON.parse(text) as Record<string, unknown> }
}

async function openSession(): Promise<string> {
  const properties = { 'parallelism.default': '1' }
  const { body } = await send('POST', '/v4/sessions', JSON.stringify({ properties }))
  return body.sessionHandle as string
}

async function execute(session: string, statement: string): Promise<string> {
  const text = JSON.stringify({ statement })
  const { status, body } = await send('POST', `/v4/sessions/${session}/statements`, text)
  assert.equal(status, 200, JSON.stringify(body))
  return body.operationHandle as string
}

const hasRows = (body: Record<string, unknown>) =>
  ((body.results as { data?: unknown[] } | undefined)?.data?.length ?? 0) > 0

/** Where each operation is read on: pages that were passed are not to be had again. */
const readOn = new Map<string, string>()

/** The first page as wanted, or the last one. */
async function page(operation: string, format: string, wanted: 'rows' | 'any' | 'last' | 'error') {
  for (;;) {
    const path = readOn.get(operation) ?? `${operation}/result/0?rowFormat=${format}`
    const answer = await send('GET', path)
    const { resultType, nextResultUri } = answer.body
    if (answer.status !== 200 || nextResultUri === undefined) return answer
    const isWanted = wanted === 'any' || (wanted === 'rows' && hasRows(answer.body))
    if (resultType !== 'NOT_READY' && isWanted) return answer
    readOn.set(operation, nextResultUri as string)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function lastPage(session: string, statement: string) {
  const operation = `/v4/sessions/${session}/operations/${await execute(session, statement)}`
  const answer = await page(operation, 'JSON', 'any')
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer
}

const operationOf = ({ request }: RecordedAnswer) =>
  Number.parseInt(/operations\/[0-9a-f-]+([0-9a-f]{2})\//.exec(request.path)?.[1] ?? '0', 16)

describe('statements are answered as the reference engine does', async () => {
  const recorded = [...recordedAnswers('gateway-types'), ...recordedAnswers('gateway-statements')]
  recorded.sort((a, b) => operationOf(a) - operationOf(b))
  const session = await openSession()
  const source = `CREATE TEMPORARY TABLE ticks (id INT) WITH ('connector' = 'datagen', 'rows-per-second' = '10')`
  const sink = `CREATE TEMPORARY TABLE nowhere (id INT) WITH ('connector' = 'blackhole')`
  for (const table of [source, sink]) await lastPage(session, table)
  const jobs: string[] = []
  for (let i = 0; i < 2; i++) {
    const { body } = await lastPage(session, 'INSERT INTO nowhere SELECT id FROM ticks')
    jobs.push(body.jobID as string)
  }
  for (const table of ['ticks', 'nowhere']) await lastPage(session, `DROP TEMPORARY TABLE ${table}`)
  const withOurJobs = ({ request }: RecordedAnswer) =>
    (request.statement as string).replace(/d{31}([12])/, (_, number) => jobs[number - 1] as string)
  /** Statement with its number → operation of ours. */
  const operations = new Map<number, string>()
  for (const answer of recorded) {
    it(answer.name, async () => {
      const number = operationOf(answer)
      const known = operations.get(number)
      const handle = known ?? (await execute(session, withOurJobs(answer)))
      operations.set(number, handle)
      const format = /rowFormat=(\w+)/.exec(answer.request.path)?.[1] ?? 'JSON'
      const response = answer.response as Record<string, unknown>
      const wanted = 'errors' in response ? 'error' : hasRows(response) ? 'rows' : 'any'
      const isLast = answer.name.endsWith('.last')
      const path = `/v4/sessions/${session}/operations/${handle}`
      const { status, body } = await page(path, format, isLast ? 'last' : wanted)
      list.check(answer, status, body)
    })
  }

  it('has no name in its list that is not asked for', () => list.end(recorded))
})
