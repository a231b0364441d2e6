/**
 * The SQL gateway's protocol as the reference engine speaks it: every recorded request about
 * sessions and operations, in the order in which clients send them.
 *
 * `gateway-requests-not-yet.json` names what differs still: a list that may only shrink.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { until } from '../support/until.ts'
import { type RecordedAnswer, recordedAnswers } from './answer-differences.ts'
import { RecordedList } from './recorded-list.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-gateway-'))
const cluster = await LocalCluster.start({ directory, taskManagers: 1, slotsPerTaskManager: 4 })
await cluster.ready()
after(async () => {
  await cluster.stop()
  rmSync(directory, { recursive: true, force: true })
})

const list = new RecordedList('gateway-requests-not-yet')

/** Handles of the recording → ours. */
const handles = new Map<string, string>()
const SESSION = '00000000-0000-4000-8000-00000000000a'
const FINITE = '00000000-0000-4000-8000-00000000000b'
const ENDLESS = '00000000-0000-4000-8000-00000000000c'

function ours(text: string): string {
  let result = text
  for (const [theirs, given] of handles) result = result.replaceAll(theirs, given)
  return result
}

/** Also a GET with a body, which the reference's clients send. */
function send(method: string, path: string, body?: string) {
  return new Promise<{ status: number; body: unknown }>((resolve, reject) => {
    const headers =
      body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const request = httpRequest(
      `${cluster.restAddress}${path}`,
      { method, headers },
      (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () => {
          resolve({ status: response.statusCode as number, body: JSON.parse(text) })
        })
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

function bodyOf({ request }: RecordedAnswer): string | undefined {
  if (request.rawBody !== undefined) return request.rawBody
  return request.body === undefined ? undefined : ours(JSON.stringify(request.body))
}

async function run(statement: string): Promise<string> {
  const path = ours(`/v4/sessions/${SESSION}/statements`)
  const { body } = await send('POST', path, JSON.stringify({ statement }))
  return (body as { operationHandle: string }).operationHandle
}

/** What clients have done by then. */
const BEFORE: Readonly<Record<string, () => Promise<void>>> = {
  'gateway.operation.status@ready': async () => {
    const path = ours(`/v4/sessions/${SESSION}/operations/${FINITE}/status`)
    await until('the statement is ready', async () => {
      return ((await send('GET', path)).body as { status: string }).status === 'FINISHED'
    })
  },
  'gateway.endless.status': async () => {
    await run(
      `CREATE TABLE endless (a INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5')`,
    )
    handles.set(ENDLESS, await run('SELECT a FROM endless'))
    const path = ours(`/v4/sessions/${SESSION}/operations/${ENDLESS}/result/0?rowFormat=JSON`)
    await until('there are rows', async () => {
      return ((await send('GET', path)).body as { resultType: string }).resultType === 'PAYLOAD'
    })
  },
}

const IN_ORDER = [
  /^gateway\.(api_versions|info|nopath)/,
  /^gateway\.sessions\.open$/,
  /^gateway\.configure-session/,
  /^gateway\.(sessions\.(open|get|heartbeat)|complete-statement|scripts)(?!.*@closed)/,
  /^gateway\.statements/,
  /^gateway\.operation\.(status|result)@early$/,
  /^gateway\.operation\.status@ready$/,
  /^gateway\.operation\.result@(0|0\.again|noformat|v1|badformat|badtoken|far)$/,
  /^gateway\.operation\.(result@eos|status@(end|missing|bad))/,
  /^gateway\.operation\.cancel/,
  /^gateway\.operation\.close$/,
  /^gateway\.operation\..*@(again|closed)$/,
  /^gateway\.endless\.status$/,
  /^gateway\.endless\.result(\.plain)?$/,
  /^gateway\.endless\.cancel$/,
  /^gateway\.endless\..*@cancelled$/,
  /^gateway\.endless\.close$/,
  /^gateway\.sessions\.close@missing$/,
  /^gateway\.sessions\.close$/,
  /^gateway\.sessions\..*@(again|closed)$/,
]
const rank = ({ name }: RecordedAnswer) => IN_ORDER.findIndex((pattern) => pattern.test(name))
const requests = recordedAnswers('gateway').sort((a, b) => rank(a) - rank(b))

describe('requests to the gateway are answered as the reference engine does', () => {
  for (const recorded of requests) {
    it(recorded.name, async () => {
      assert.notEqual(rank(recorded), -1)
      await BEFORE[recorded.name]?.()
      const { method, path } = recorded.request
      const { status, body } = await send(method, ours(path), bodyOf(recorded))
      const given = body as { sessionHandle?: string; operationHandle?: string }
      if (recorded.name === 'gateway.sessions.open') handles.set(SESSION, given.sessionHandle ?? '')
      if (recorded.name === 'gateway.statements') handles.set(FINITE, given.operationHandle ?? '')
      list.check(recorded, status, body)
    })
  }

  it('has no name in its list that is not asked for', () => list.end(requests))
})
