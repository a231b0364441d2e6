/**
 * The command line as people use it: errors of statements with their place, settings, exit codes,
 * and processes that cannot reach each other.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { renderError } from '@millrace/cli'
import { fromErrorData, isMillraceError, toErrorData } from '@millrace/core'
import { HttpSqlGateway } from '@millrace/rest-api'
import { freePort } from '../../packages/distribution/src/cluster/free-port.ts'
import { until } from '../support/until.ts'
import { assertPresentable, DATAGEN, millrace, startBadInput } from './bad-input-fixture.ts'

const fixture = await startBadInput()
const restPort = new URL(fixture.cluster.restAddress).port
const http = new HttpSqlGateway(fixture.rest)

/** What the gateway's REST interface says of the statement. */
async function overRest(setup: readonly string[], statement: string): Promise<unknown> {
  const { sessionHandle } = await http.openSession({})
  const run = async (text: string): Promise<void> => {
    const { operationHandle } = await http.execute(sessionHandle, { statement: text })
    for (let token = 0; ; ) {
      const page = await http.fetchResults(sessionHandle, operationHandle, token, 500)
      if (page.resultType === 'EOS') return
      if (page.resultType === 'PAYLOAD') token = page.nextToken ?? token + 1
    }
  }
  try {
    for (const text of setup) await run(text)
    await run(statement)
    return null
  } catch (error) {
    return error
  } finally {
    await http.closeSession(sessionHandle)
  }
}

const TABLE = DATAGEN.replace(';', '')
const WITH = (options: string) => `CREATE TABLE t (a INT) WITH (${options})`

describe('a statement that cannot run', () => {
  const cases: [name: string, statement: string, code: string, shown: RegExp][] = [
    [
      'an unknown statement',
      'SELCT a FROM numbers',
      'SQL_SYNTAX',
      /did you mean 'SELECT'\?\n {2}1 \| SELCT a FROM numbers\n {6}\^{5}\n/,
    ],
    [
      'an unknown column',
      'SELECT a,\n  bb AS "x" FROM numbers'.replace('"x"', 'x'),
      'SQL_UNKNOWN_COLUMN',
      /Unknown column 'bb'.*\n {2}2 \| {3}bb AS x FROM numbers\n {8}\^\^\n {2}at line 2, column 3\n/,
    ],
    [
      'an unknown table',
      'SELECT a FROM numbrs',
      'SQL_UNKNOWN_TABLE',
      /did you mean 'numbers'\?\n.*\n {20}\^{6}\n/,
    ],
    [
      'a feature that is not there yet',
      'SELECT * FROM numbers LEFT JOIN numbers AS n ON TRUE',
      'SQL_NOT_SUPPORTED',
      /JOIN is not supported yet\./,
    ],
    [
      'an unknown option in WITH',
      WITH("'connector' = 'datagen', 'rows-per-secnd' = '5'"),
      'SQL_TABLE_OPTIONS',
      /Unknown option 'rows-per-secnd'(.|\n)*Did you mean 'rows-per-second'\?/,
    ],
    [
      'an unknown connector',
      WITH("'connector' = 'kafak'"),
      'SQL_TABLE_OPTIONS',
      /Unknown connector 'kafak'; did you mean 'kafka'\?/,
    ],
    [
      'a bad value of an option in WITH',
      WITH("'connector' = 'datagen', 'rows-per-second' = 'many'"),
      'SQL_TABLE_OPTIONS',
      /Set 'rows-per-second' to a whole number; it is 'many'\./,
    ],
    [
      'a bad value of a setting',
      "SET 'execution.checkpointing.interval' = 'soon'",
      'CONFIG_VALUE_INVALID',
      /Set 'execution.checkpointing.interval' to .*; it is 'soon'\.\n {2}at option/,
    ],
  ]
  for (const [name, statement, code, shown] of cases) {
    it(`${name} is said the same in the client and over REST, and ends the script with 1`, async () => {
      const [outcome, error] = await Promise.all([
        fixture.sql(`${TABLE}; ${statement}; SHOW TABLES`),
        overRest([TABLE], statement),
      ])
      assert.equal(outcome.code, 1, outcome.stderr)
      assert.ok(!outcome.stdout.includes('SHOW TABLES'), 'nothing after it runs')
      assert.match(outcome.stderr, shown)
      assert.ok(isMillraceError(error, code), String(error))
      const data = toErrorData(fromErrorData(toErrorData(error)))
      assert.equal(outcome.stderr, `${renderError(data, statement)}\n`)
      assertPresentable(outcome)
    })
  }
})

describe('settings', () => {
  it('an unknown key is warned of with the nearest one, by SET and by -D; a known one of the cluster is not', async () => {
    const set = `SET 'execution.checkpointing.intervall' = '1 s'; SET 'execution.checkpointing.interval' = '1 s'; SET 'taskmanager.numberOfTaskSlots' = '3'`
    const { code, stderr } = await fixture.sql(set, ['-D', 'paralelism.default=2'])
    assert.equal(code, 0)
    assert.equal(
      stderr,
      [
        "Warning: Unknown configuration key 'paralelism.default'; did you mean 'parallelism.default'?\n",
        "Warning: Unknown option 'execution.checkpointing.intervall'; did you mean 'execution.checkpointing.interval'?\n",
      ].join(''),
    )
  })

  it('processes log the warning too', async () => {
    const port = await freePort()
    const { taskManager, output } = await startTaskManager(port, ['-D', 'hartbeat.interval=1s'])
    await untilShown(output, () =>
      /Unknown configuration key 'hartbeat\.interval'.*heartbeat\.interval/.test(output()),
    )
    taskManager.kill('SIGTERM')
  })
})

describe('the command line', () => {
  it('a typo of a command names the nearest, help lists all', async () => {
    const typo = await millrace(['clutser', 'start'])
    assert.equal(typo.code, 1)
    assert.match(
      typo.stderr,
      /^\[ARGUMENT_UNKNOWN\] Unknown command 'clutser'; did you mean 'cluster'\?\n/,
    )
    const help = await millrace(['help'])
    assert.equal(help.code, 0)
    assert.match(help.stdout, /^Usage: millrace COMMAND/)
    const option = await millrace(['sql-client', '--exec', 'SELECT 1'])
    assert.equal(option.code, 1)
    assert.match(option.stderr, /Unknown option --exec; did you mean --execute\?/)
  })

  it('statements come from standard input too', async () => {
    const input = 'SELECT 1 AS one;\nSELECT 2 AS two;\n'
    const { code, stdout } = await millrace(['sql-client', '-D', `rest.port=${restPort}`], {
      input,
    })
    assert.equal(code, 0)
    assert.match(stdout, / one \|\n(.|\n)* two \|\n/)
  })

  it('Ctrl-C ends a streaming SELECT and its job, prints how many rows there were, and exits with 130', async () => {
    const args = ['sql-client', '-e', `${TABLE}; SELECT * FROM numbers`]
    const client = spawnMillrace([...args, '-D', `rest.port=${restPort}`])
    const exit = new Promise<number | null>((resolve) => client.once('close', resolve))
    const output = outputOf(client)
    await untilShown(output, () => output().includes('| +I |'))
    client.kill('SIGINT')
    assert.equal(await exit, 130)
    const shown = output().split('| +I |').length - 1
    // One or more, as fast as the interrupt came.
    assert.match(output(), new RegExp(`\\n${shown} rows? in set\\n`))
    assert.match(output(), /Cancelled\.\n/)
    const job = (await fixture.rest.jobsOverview()).jobs.at(-1)
    await until('the job is cancelled', async () => {
      const { state } = await fixture.rest.jobDetail(job?.jid as string)
      return state === 'CANCELED'
    })
  })

  it('no cluster: REST_UNREACHABLE with the address and what to do', async () => {
    const port = await freePort()
    const rest = ['-D', `rest.port=${port}`]
    for (const args of [['list'], ['cancel', 'abc'], ['sql-client', '-e', 'SELECT 1']]) {
      const outcome = await millrace([...args, ...rest])
      assert.equal(outcome.code, 1)
      assert.match(
        outcome.stderr,
        new RegExp(
          `^\\[REST_UNREACHABLE\\] No JobManager answers at http://127\\.0\\.0\\.1:${port}\\.\n`,
        ),
      )
      assert.match(
        outcome.stderr,
        /caused by connect ECONNREFUSED.*\n {2}hint: Start a cluster with: npx millrace cluster start/,
      )
      assertPresentable(outcome)
    }
  })

  it('cluster start and stop, each twice', async () => {
    const cwd = fixture.path('laptop')
    mkdirSync(cwd)
    const ports = [await freePort(), await freePort()]
    const properties = [
      '-D',
      `rest.port=${ports[0]}`,
      '-D',
      `jobmanager.rpc.port=${ports[1]}`,
      '-D',
      'metrics.reporter.prom.port=-1',
    ]
    const start = () => millrace(['cluster', 'start', ...properties], { cwd })
    const stop = () => millrace(['cluster', 'stop'], { cwd })
    const started = await start()
    assert.equal(started.code, 0, started.stderr)
    assert.match(
      started.stdout,
      /JobManager started, process \d+\nTaskManager 1 started, process \d+\nREST http/,
    )
    assert.match(
      (await start()).stderr,
      /^\[CLUSTER_ALREADY_RUNNING\].*\n {2}hint: millrace cluster stop ends it\./,
    )
    assert.equal((await stop()).stdout, 'Stopped JobManager, TaskManager 1.\n')
    const again = await stop()
    assert.equal(again.code, 1)
    assert.match(again.stderr, /^\[CLUSTER_NOT_RUNNING\]/)
  })
})

describe('processes', () => {
  it('a JobManager whose REST port is taken says so and ends', async () => {
    const rpc = await freePort()
    const outcome = await millrace([
      'jobmanager',
      '-D',
      `rest.port=${restPort}`,
      '-D',
      `jobmanager.rpc.port=${rpc}`,
    ])
    assert.equal(outcome.code, 1)
    assert.match(
      outcome.stderr,
      /\[REST_PORT_UNAVAILABLE\] .*the port is in use\.\n {2}at option 'rest\.(bind-)?port'\n(.*\n)? {2}hint: Set 'rest\.(bind-)?port'/,
    )
    assertPresentable(outcome)
  })

  it('a JobManager whose RPC port is taken says so and ends', async () => {
    const rest = await freePort()
    const rpc = /rpcAddress=127\.0\.0\.1:(\d+)/.exec(fixture.log())?.[1]
    const outcome = await millrace([
      'jobmanager',
      '-D',
      `rest.port=${rest}`,
      '-D',
      `jobmanager.rpc.port=${rpc}`,
    ])
    assert.equal(outcome.code, 1)
    assert.match(outcome.stderr, /^\[ADDRESS_UNUSABLE\] /m)
    assertPresentable(outcome)
  })

  it('a TaskManager without a JobManager says what it waits for, goes on trying, and registers when one comes', async () => {
    const [rpc, rest] = [await freePort(), await freePort()]
    const { taskManager, output } = await startTaskManager(rpc, [])
    await untilShown(
      output,
      () =>
        output().includes(`127.0.0.1:${rpc}`) &&
        /Waiting for the JobManager at .*; start it, or correct 'jobmanager\.rpc\.address'/.test(
          output(),
        ),
    )
    assert.equal(taskManager.exitCode, null)
    const jobManager = spawnMillrace([
      'jobmanager',
      '-D',
      `rest.port=${rest}`,
      '-D',
      `jobmanager.rpc.port=${rpc}`,
    ])
    await untilShown(output, () => output().includes('Registered with the JobManager'))
    taskManager.kill('SIGTERM')
    jobManager.kill('SIGTERM')
  })
})

const MILLRACE = join(import.meta.dirname, '../../packages/distribution/bin/millrace.mjs')
const spawned: ChildProcess[] = []
after(() => {
  for (const child of spawned) child.kill('SIGKILL')
})

function spawnMillrace(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [MILLRACE, ...args])
  spawned.push(child)
  return child
}

async function startTaskManager(rpcPort: number, more: readonly string[]) {
  const taskManager = spawnMillrace([
    'taskmanager',
    '-D',
    'jobmanager.rpc.address=127.0.0.1',
    '-D',
    `jobmanager.rpc.port=${rpcPort}`,
    '-D',
    'metrics.reporter.prom.port=-1',
    ...more,
  ])
  return { taskManager, output: outputOf(taskManager) }
}

/** Fails with what the process has written instead. */
async function untilShown(output: () => string, isShown: () => boolean): Promise<void> {
  await until(`${isShown} holds`, isShown).catch((error: Error) => {
    throw new Error(`${error.message}\n${output()}`)
  })
}

/** What the process has written so far. */
function outputOf(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      text += chunk
    })
  }
  return () => text
}
