/**
 * The gateway's REST interface, without a port: statuses, bodies and pages as clients of the
 * reference engine expect.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Configuration } from '@millrace/core'
import { createHttpServer } from '@millrace/jobmanager'
import { errorDataOf } from '@millrace/rest-api'
import { registerGatewayRoutes } from './gateway-routes.ts'
import { GatewayHarness } from './testing/gateway-harness.ts'

const UNKNOWN = '00000000-0000-4000-8000-0000000000ff'
const NUMBERS = "CREATE TABLE n (a INT, b DECIMAL(18, 3)) WITH ('connector' = 'datagen')"

async function serving() {
  const harness = new GatewayHarness()
  const server = createHttpServer(new Configuration({}))
  registerGatewayRoutes(server, harness.gateway)
  const send = async (method: 'GET' | 'POST' | 'DELETE', url: string, body?: unknown) => {
    const answer = await server.inject({
      method,
      url,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    })
    return { status: answer.statusCode, body: answer.json(), text: answer.body }
  }
  const session = `/v4/sessions/${(await send('POST', '/v4/sessions')).body.sessionHandle}`
  const execute = async (statement: string) => {
    const { body } = await send('POST', `${session}/statements`, { statement })
    await harness.clock.advance(20)
    return `${session}/operations/${body.operationHandle}`
  }
  return { harness, send, session, execute }
}

test('A statement without rows of its own answers OK once', async () => {
  const { send, execute } = await serving()
  const operation = await execute(NUMBERS)
  const columns = [
    {
      name: 'result',
      logicalType: { type: 'VARCHAR', nullable: true, length: 2_147_483_647 },
      comment: null,
    },
  ]
  const head = { isQueryResult: false, resultKind: 'SUCCESS' }
  assert.deepEqual((await send('GET', `${operation}/result/0?rowFormat=JSON`)).body, {
    resultType: 'PAYLOAD',
    ...head,
    results: { columns, rowFormat: 'JSON', data: [{ kind: 'INSERT', fields: ['OK'] }] },
    nextToken: 1,
    nextResultUri: `${operation}/result/1?rowFormat=JSON`,
  })
  assert.deepEqual((await send('GET', `${operation}/result/1`)).body, {
    resultType: 'EOS',
    ...head,
    results: { columns, rowFormat: 'JSON', data: [] },
  })
})

test('NOT_READY comes before the job alone; then pages without rows, until there are some', async () => {
  const { harness, send, execute } = await serving()
  await execute(NUMBERS)
  const submit = harness.cluster.submit.bind(harness.cluster)
  let letGo = () => {}
  harness.cluster.submit = async (graph) => {
    await new Promise<void>((resolve) => {
      letGo = resolve
    })
    return submit(graph)
  }
  const operation = await execute('SELECT a, b FROM n')
  const early = await send('GET', `${operation}/result/0?rowFormat=PLAIN_TEXT`)
  assert.equal(early.body.resultType, 'NOT_READY')
  assert.equal(early.body.nextResultUri, `${operation}/result/0?rowFormat=PLAIN_TEXT`)
  assert.equal((await send('GET', `${operation}/status`)).body.status, 'RUNNING')
  letGo()
  await harness.clock.advance(10)
  assert.equal((await send('GET', `${operation}/status`)).body.status, 'FINISHED')
  const empty = await send('GET', `${operation}/result/0?rowFormat=PLAIN_TEXT`)
  assert.deepEqual([empty.body.resultType, empty.body.results.data], ['PAYLOAD', []])
  assert.equal(empty.body.nextResultUri, `${operation}/result/1?rowFormat=PLAIN_TEXT`)
  harness.cluster.rows = [[0, 1, '123456789012345.670']]
  await harness.clock.advance(500)
  const rows = await send('GET', empty.body.nextResultUri)
  assert.deepEqual(rows.body.results.data, [
    { kind: 'INSERT', fields: ['1', '123456789012345.670'] },
  ])
  const typed = await send('GET', `${operation}/result/1`)
  assert.match(typed.text, /"fields":\[1,123456789012345\.67\]/)
  assert.equal(typed.body.results.rowFormat, 'JSON')
  const [a, b] = typed.body.results.columns
  assert.deepEqual(a.logicalType, { type: 'INTEGER', nullable: true })
  assert.deepEqual(b.logicalType, { type: 'DECIMAL', nullable: true, precision: 18, scale: 3 })
})

test('An error of a statement comes with the fetch: status 500, two texts, ours inside the second', async () => {
  const { send, execute } = await serving()
  const operation = await execute('SELECT * FROM no_such_table')
  const { status, body } = await send('GET', `${operation}/result/0`)
  assert.equal(status, 500)
  assert.deepEqual(Object.keys(body), ['errors'])
  assert.equal(body.errors[0], 'Internal server error.')
  assert.match(
    body.errors[1],
    /^<Exception on server side:\n.*\nCaused by: \S+Exception: \[SQL_UNK/,
  )
  assert.deepEqual(errorDataOf(body)?.location?.column, 15)
})

test('Unknown handles are 500, what cannot be read 400, and closing twice is no error', async () => {
  const { send, session, execute } = await serving()
  const operation = await execute('SHOW TABLES')
  const sessions = `/v4/sessions/${UNKNOWN}`
  const operations = `${session}/operations/${UNKNOWN}`
  for (const [method, url, status, code] of [
    ['GET', sessions, 500, 'SESSION_NOT_FOUND'],
    ['DELETE', sessions, 500, 'SESSION_NOT_FOUND'],
    ['POST', `${sessions}/heartbeat`, 500, 'SESSION_NOT_FOUND'],
    ['POST', `${sessions}/statements`, 500, 'SESSION_NOT_FOUND'],
    ['GET', '/v4/sessions/xyz', 400, 'REQUEST_INVALID'],
    ['GET', `${operations}/status`, 500, 'OPERATION_NOT_FOUND'],
    ['POST', `${operations}/cancel`, 500, 'OPERATION_NOT_FOUND'],
    ['GET', `${operations}/result/0`, 500, 'OPERATION_NOT_FOUND'],
    ['GET', `${session}/operations/xyz/status`, 400, 'REQUEST_INVALID'],
    ['GET', `${operation}/result/x`, 400, 'REQUEST_INVALID'],
    ['GET', `${operation}/result/0?rowFormat=XML`, 400, 'REQUEST_INVALID'],
    ['GET', `${operation}/result/99`, 500, 'RESULT_TOKEN_INVALID'],
    ['GET', '/v4/nope', 404, 'REST_PATH_NOT_FOUND'],
    ['GET', '/v5/info', 404, 'REST_PATH_NOT_FOUND'],
  ] as const) {
    const answer = await send(method, url)
    assert.equal(answer.status, status, `${method} ${url}`)
    assert.deepEqual(Object.keys(answer.body), ['errors'])
    assert.equal(errorDataOf(answer.body)?.code, code, `${method} ${url}`)
  }
  for (let i = 0; i < 2; i++) {
    assert.deepEqual((await send('DELETE', `${operation}/close`)).body, { status: 'CLOSED' })
  }
})

test('A session is configured by its own statements alone, and an error there is the answer', async () => {
  const { send, session, execute } = await serving()
  const configure = (statement: string) =>
    send('POST', `${session}/configure-session`, { statement })
  assert.deepEqual((await configure(NUMBERS)).body, {})
  assert.equal((await configure('SELECT 1')).status, 500)
  assert.equal((await configure('SELEC')).status, 500)
  const shown = await send('GET', `${await execute('SHOW TABLES')}/result/0`)
  assert.deepEqual(shown.body.results.data[0].fields, ['n'])
})

test('A GET of the first version has no row format, and completion reads a body', async () => {
  const { send, session, execute } = await serving()
  const first = (await execute(NUMBERS)).replace('/v4', '/v1')
  const { body } = await send('GET', `${first}/result/0`)
  assert.equal(body.nextResultUri, `${first}/result/1`)
  const completed = await send('GET', `${session}/complete-statement`, {
    statement: 'SELECT a FROM ',
    position: 14,
  })
  assert.ok(completed.body.candidates.includes('n'))
})

test('A body that does not fit is refused by its field, and numbers may stand for texts', async () => {
  // Cause: `"statement": 5` ended as an internal error, `"properties": 5` as one with a stack.
  const { send, session, harness } = await serving()
  const refused: [url: string, body: unknown, message: RegExp][] = [
    ['/v4/sessions', [], /Send an object as the body; it is \[\]\./],
    ['/v4/sessions', 'abc', /Send an object as the body; it is "abc"\./],
    ['/v4/sessions', { properties: 5 }, /'properties' as an object of texts; it is 5\./],
    ['/v4/sessions', { properties: { a: [1] } }, /'properties\.a' as a text; it is \[1\]\./],
    [`${session}/statements`, { statement: ['SELECT 1'] }, /'statement' as a text/],
    [`${session}/statements`, { statement: 'SET', executionTimeout: 'x' }, /'executionTimeout' as/],
    [`${session}/statements`, { statement: 'SET', executionTimeout: 1e300 }, /'executionTimeout'/],
    [`${session}/statements`, { statement: 'SET', executionConfig: 'x' }, /'executionConfig' as/],
    [`${session}/configure-session`, { statement: {} }, /'statement' as a text; it is \{\}\./],
  ]
  for (const [url, body, message] of refused) {
    const answer = await send('POST', url, body)
    assert.equal(answer.status, 400, answer.text)
    assert.equal(errorDataOf(answer.body)?.code, 'REQUEST_INVALID')
    assert.match(errorDataOf(answer.body)?.message ?? '', message)
  }
  const bad = await send('GET', `${session}/complete-statement?statement=SEL&position=-5`)
  assert.equal(bad.status, 400, bad.text)
  const properties = { 'parallelism.default': 2, 'table.dml-sync': true, gone: null }
  const { body } = await send('POST', '/v4/sessions', { properties, sessionName: null, more: {} })
  const config = (await harness.gateway.sessionConfig(body.sessionHandle)).properties
  assert.equal(config['parallelism.default'], '2')
  assert.equal(config['table.dml-sync'], 'true')
  assert.equal('gone' in config, false)
})
