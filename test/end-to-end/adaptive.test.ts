/**
 * A job that follows the slots that there are, on real processes: it starts with those of one
 * TaskManager, grows with a second one, shrinks when the first is killed, and its output stays
 * exact.
 */
import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { RestClient } from '@millrace/rest-api'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import type { SpawnedProcess } from '../../packages/distribution/src/cluster/spawn-process.ts'
import { until } from '../support/until.ts'
import { millrace } from './bad-input-fixture.ts'

const FILES = 6
const ROWS = 50

const directory = mkdtempSync(join(tmpdir(), 'millrace-adaptive-'))
const cluster = await LocalCluster.start({
  directory: join(directory, 'cluster'),
  taskManagers: 1,
  slotsPerTaskManager: 2,
  properties: {
    'jobmanager.scheduler': 'adaptive',
    'jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout': '1 s',
    'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '100 ms',
    'web.adaptive-scheduler.rescale-history.size': '10',
    'execution.checkpointing.interval': '200 ms',
    'execution.checkpointing.dir': `file://${join(directory, 'checkpoints')}`,
    'restart-strategy.type': 'fixed-delay',
    'restart-strategy.fixed-delay.attempts': '100',
    'restart-strategy.fixed-delay.delay': '100 ms',
  },
})
after(async () => {
  await cluster.stop()
  rmSync(directory, { recursive: true, force: true })
})
await cluster.ready()
const rest = new RestClient(cluster.restAddress, fetch)
const restPort = new URL(cluster.restAddress).port

let written = 0
/** Further files with numbers that go on. */
function writeFiles(count: number): void {
  for (let i = 0; i < count; i++) {
    const lines = Array.from({ length: ROWS }, () => `{"n":${written++}}\n`)
    const hidden = join(directory, 'in', `.part-${written}`)
    writeFileSync(hidden, lines.join(''))
    // It is there whole.
    renameSync(hidden, join(directory, 'in', `part-${written}.json`))
  }
}

/** Of the files that are there for good, sorted. */
function found(): number[] {
  const files = readdirSync(join(directory, 'out')).filter((name) => !/^[._]/.test(name))
  return files
    .flatMap((name) =>
      readFileSync(join(directory, 'out', name), 'utf8')
        .trim()
        .split('\n'),
    )
    .map((line) => (JSON.parse(line) as { n: number }).n)
    .sort((a, b) => a - b)
}

async function runsAt(jobId: string, parallelism: number): Promise<void> {
  await until(`job ${jobId} runs at parallelism ${parallelism}`, async () => {
    const { state, vertices } = await rest.jobDetail(jobId)
    const all = vertices.map((vertex) => vertex.parallelism)
    return state === 'RUNNING' && all.every((each) => each === parallelism)
  })
}

/** Everything that was written has come out, once. */
async function outputIsExact(): Promise<void> {
  const all = Array.from({ length: written }, (_, n) => n)
  await until(`${written} rows are committed`, () => found().length >= written)
  assert.deepEqual(found(), all)
}

test('A job grows with a TaskManager that comes, shrinks when one is killed, and loses nothing', async () => {
  mkdirSync(join(directory, 'in'))
  mkdirSync(join(directory, 'out'))
  writeFiles(FILES)
  const table = (name: string, options: string) =>
    `CREATE TABLE ${name} (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'file://${join(directory, name)}', 'format' = 'json'${options});`
  const script = `
    SET 'parallelism.default' = '4';
    ${table('in', ", 'source.monitor-interval' = '100 ms'").replace('TABLE in', 'TABLE `in`')}
    ${table('out', '').replace('TABLE out', 'TABLE `out`')}
    INSERT INTO \`out\` SELECT n FROM \`in\`;`
  const outcome = await millrace([
    'sql-client',
    'embedded',
    '-e',
    script,
    '-D',
    `rest.port=${restPort}`,
  ])
  const jobId = /\b[0-9a-f]{32}\b/.exec(outcome.stdout)?.[0]
  assert.ok(outcome.code === 0 && jobId !== undefined, outcome.stdout + outcome.stderr)
  await runsAt(jobId, 2)
  assert.match(
    (await rest.jobDetail(jobId))['status-reason'] ?? '',
    /^runs with 2 of the 4 slots that it may use$/,
  )
  await outputIsExact()

  const second = cluster.addTaskManager()
  await second.ready
  await runsAt(jobId, 4)
  writeFiles(FILES)
  await outputIsExact()

  const [first] = cluster.taskManagers as [SpawnedProcess]
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  writeFiles(FILES)
  await runsAt(jobId, 2)
  await outputIsExact()

  const log = readFileSync(join(directory, 'cluster', 'jobmanager.log'), 'utf8')
  for (const cause of ['INITIAL_SCHEDULE', 'NEW_RESOURCE_AVAILABLE', 'RECOVERABLE_FAILOVER']) {
    assert.match(log, new RegExp(`Job rescaled.*${cause}`))
  }
  const history = await fetch(`${cluster.restAddress}/jobs/${jobId}/rescales/history`)
  const shown = (await history.json()) as { triggerCause: string; endTimestampInMillis: number }[]
  assert.deepEqual(
    shown.map(({ triggerCause }) => triggerCause).filter((cause, i, all) => cause !== all[i - 1]),
    ['RECOVERABLE_FAILOVER', 'NEW_RESOURCE_AVAILABLE', 'INITIAL_SCHEDULE'],
  )
})
