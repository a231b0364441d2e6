/**
 * REST answers as the reference engine does: every request that was recorded there, sent to a
 * cluster of ours in the same situation.
 *
 * `rest-not-yet.json` names what differs still: a list that may only shrink. departures.ts is for good.
 */
import { after, describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { type RecordedAnswer, recordedAnswers } from './answer-differences.ts'
import { RecordedList } from './recorded-list.ts'
import { type RecordedJob, startRecordedSituation } from './recorded-situation.ts'

const situation = await startRecordedSituation()
after(() => situation.stop())

const list = new RecordedList('rest-not-yet')

/** Vertices by the job of ours: those that read, and those that are read from. */
const vertices = new Map<string, readonly [first: string, last: string]>()
for (const jobId of situation.jobs.values()) {
  const ids = (await situation.runner.rest.jobDetail(jobId)).vertices.map(({ id }) => id)
  vertices.set(jobId, [ids[0] as string, ids.at(-1) as string])
}

const SOURCE_VERTICES = /cbc357ccb763df2852fee8c4fc7d55f2|bc764cd8ddf7a0cff126f51c16239658/g
const OTHER_VERTICES = /c27dcf7b54ef6bfd6cff02ca8870b681|90bea66de1c231edf33913ecd54406c1/g
/** Ids of triggers that the reference made up, by ours. */
const triggers = new Map<string, string>()
let savepoint = ''

/** What stands for our own ids, paths and files in a recorded request. */
async function ours(text: string): Promise<string> {
  const job = /0{29}(a0\d)/.exec(text)?.[1] as RecordedJob | undefined
  const jobId = job === undefined ? '' : (situation.jobs.get(job) as string)
  const [first, last] = vertices.get(jobId) ?? ['', '']
  let result = text
    .replace(/0{29}a0\d/g, jobId)
    .replace(SOURCE_VERTICES, first)
    .replace(OTHER_VERTICES, last)
    .replaceAll('localhost:40000-000000', situation.taskManagerId)
    .replaceAll('file:/flink/savepoints/savepoint-000000-000000000000', savepoint)
    .replaceAll('file:/flink/savepoints', `file://${situation.directory}/savepoints`)
  for (const [theirs, given] of triggers) result = result.replaceAll(theirs, given)
  if (/\/details\/10\b/.test(result)) {
    const { latest } = await situation.runner.rest.jobCheckpoints(jobId)
    result = result.replace(/\/details\/10\b/, `/details/${latest.completed?.id}`)
  }
  const logs = /\/(jobmanager|taskmanagers\/[^/]+)\/logs\/jm\.log$/.exec(result)
  if (logs !== null) {
    const answer = await send('GET', result.replace(/\/jm\.log$/, ''), undefined)
    const name = (answer.body as { logs?: { name: string }[] }).logs?.[0]?.name
    result = result.replace('jm.log', name ?? 'jm.log')
  }
  return result
}

async function send(method: string, path: string, body: string | undefined, type?: string) {
  const response = await fetch(`${situation.cluster.restAddress}${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: type === undefined ? {} : { 'content-type': type },
  })
  const text = await response.text()
  let parsed: unknown = text
  if (/json/.test(response.headers.get('content-type') ?? '')) parsed = JSON.parse(text)
  return { status: response.status, body: parsed }
}

async function answerTo({ name, request, response }: RecordedAnswer) {
  const path = await ours(request.path)
  const body =
    request.rawBody ??
    (request.body === undefined ? undefined : await ours(JSON.stringify(request.body)))
  const type =
    request.rawBody?.startsWith('--XX') === true
      ? 'multipart/form-data; boundary=XX'
      : 'application/json'
  const answer = await send(request.method, path, body, body === undefined ? undefined : type)
  const theirs = (response as { 'request-id'?: string } | null)?.['request-id']
  const given = (answer.body as { 'request-id'?: string } | null)?.['request-id']
  if (theirs !== undefined && given !== undefined) triggers.set(theirs, given)
  if (name === 'savepoint.status') {
    savepoint = (answer.body as { operation?: { location?: string } }).operation?.location ?? ''
  }
  return answer
}

/** An operation that goes on in the background has ended. */
async function awaitOperation(path: string): Promise<void> {
  await until(`the operation ${path} is over`, async () => {
    const { status, body } = await send('GET', path, undefined)
    return status !== 200 || (body as { status?: { id: string } }).status?.id !== 'IN_PROGRESS'
  })
}

const IN_ORDER = [
  'cluster',
  'taskmanager',
  'errors',
  'applications',
  'jobs',
  'vertices',
  'operations',
  'jars',
]
/** Requests of a state that comes about by those before. */
const LATER = /@(cancelled|stopped|all|again|running\.aftersavepoint)\b|^stop\.|^cancel|disposal/
/** An operation's answer while it goes on is not to be had from one that takes no time. */
const PASSING = /\.first$/
const STEPS = [
  'savepoint.trigger',
  'savepoint.status',
  'savepoint.trigger@id',
  'savepoint.trigger@id.again',
  'savepoint.trigger@baddir',
  'savepoint.trigger@finished',
  'checkpoint.trigger',
  'stop.trigger',
  'cancel',
  'savepoint-disposal.trigger',
  'savepoint-disposal.trigger@missing',
  'jars.upload',
]

function rank({ name }: RecordedAnswer): number {
  const step = STEPS.indexOf(name)
  if (LATER.test(name)) return 100 + (step >= 0 ? step : 50)
  return step >= 0 ? 10 + step : /^(savepoint|checkpoint|jars)/.test(name) ? 40 : 0
}

const all = IN_ORDER.flatMap((area) => recordedAnswers(area))
const requests = all.filter(({ name }) => !PASSING.test(name)).sort((a, b) => rank(a) - rank(b))

describe('REST answers as the reference engine does', () => {
  for (const recorded of requests) {
    it(recorded.name, async () => {
      if (/^(savepoint|stop|checkpoint|savepoint-disposal)\.status/.test(recorded.name)) {
        await awaitOperation(await ours(recorded.request.path))
      }
      if (recorded.name === 'vertex.flamegraph@running.full') {
        const path = await ours(recorded.request.path)
        await until('samples have been taken', async () => {
          return 'data' in ((await send('GET', path, undefined)).body as object)
        })
      }
      const { status, body } = await answerTo(recorded)
      if (recorded.name === 'cancel' || recorded.name === 'cancel@nomode') {
        const job = recorded.name === 'cancel' ? 'a04' : 'a06'
        const jobId = situation.jobs.get(job) as string
        await until(`${job} is cancelled`, async () => {
          return (await situation.runner.rest.jobDetail(jobId)).state === 'CANCELED'
        })
      }
      if (recorded.name === 'stop.trigger') {
        const jobId = situation.jobs.get('a05') as string
        await until('the job is stopped', async () => {
          return (await situation.runner.rest.jobDetail(jobId)).state === 'FINISHED'
        })
      }
      const response = JSON.parse(await ours(JSON.stringify(recorded.response)))
      list.check({ ...recorded, response }, status, body)
    })
  }

  it('has no name in its list that is not asked for', () => list.end(requests))
})
