/** `simulate` as its users see it: right jobs pass, wrong ones are caught, mistakes are named. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '@millrace/core'
import { ABORT, EOF, type InputItem, type UserInputs } from './input-marks.ts'
import { type SimulateOptions, simulate } from './simulate.ts'

const kafka = (topic: string, more = '') =>
  `WITH ('connector' = 'kafka', 'topic' = '${topic}', 'format' = 'json',
    'properties.bootstrap.servers' = 'broker.example:9092', 'properties.group.id' = 'g'${more})`

const READINGS = `sensor STRING, temperature DOUBLE, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND`

const BOUNDED = ", 'scan.bounded.mode' = 'latest-offset'"

const WINDOWS = `
CREATE TABLE readings (${READINGS}) ${kafka('sensor-readings', BOUNDED)};
CREATE TABLE totals (sensor STRING, window_start TIMESTAMP(3), readings BIGINT, hottest DOUBLE)
${kafka('sensor-totals')};
SET 'parallelism.default' = '2';
INSERT INTO totals
SELECT sensor, window_start, COUNT(*), MAX(temperature)
FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY sensor, window_start, window_end;`

/** One every 7 seconds; `from`: the number of the first. */
function readings(sensor: string, from: number, count: number): InputItem[] {
  return Array.from({ length: count }, (_, n) => ({
    sensor,
    temperature: 20 + (n % 7),
    ts: new Date(Date.UTC(2026, 0, 1) + (from + n) * 7000),
  }))
}

const WITH_FAILURES: UserInputs = {
  readings: [
    [...readings('a', 0, 12), ABORT, ...readings('b', 12, 12), ABORT, ...readings('a', 24, 5), EOF],
    [...readings('c', 0, 30), EOF],
  ],
}

async function refused(options: SimulateOptions, code: string, words: RegExp): Promise<void> {
  await assert.rejects(simulate(options), (error) => {
    assert.ok(isMillraceError(error, code), String(error))
    assert.match(error.message, words)
    return true
  })
}

test('a windowed job over bounded Kafka topics gives the same under ABORTs and faults', async () => {
  const report = await simulate({ job: WINDOWS, inputs: WITH_FAILURES, seeds: 6 })
  assert.ok(report.ok, report.text)
  assert.ok((report.expected[0]?.rows.length ?? 0) > 5)
  for (const { faults } of report.seeds) {
    assert.equal(faults.filter((fault) => fault.includes('ABORT')).length, 2)
  }
  assert.match(report.text, /^6 seeds, \d+ faults, .* all right/)
})

test('an unbounded job from files to files ends when its output has come to rest', async () => {
  const files = (path: string, more = '') =>
    `WITH ('connector' = 'filesystem', 'path' = '${path}', 'format' = 'json'${more})`
  const report = await simulate({
    job: (session) => {
      session.execute(
        `CREATE TABLE clicks (who STRING, n BIGINT) ${files('file:///data/clicks', ", 'source.monitor-interval' = '200 ms'")}`,
      )
      session.execute(`CREATE TABLE large (who STRING, n BIGINT) ${files('/data/large')}`)
      session.execute('INSERT INTO large SELECT who, n * 2 FROM clicks WHERE n > 3')
    },
    inputs: {
      '/data/clicks': [{ who: 'x', n: 1 }, { who: 'y', n: 9n }, ABORT, '{"who":"z","n":5}'],
    },
    faults: { kill: 1, connection: 2 },
    seeds: 4,
  })
  assert.ok(report.ok, report.text)
  assert.deepEqual([...(report.expected[0]?.rows ?? [])].sort(), [
    '{"who":"y","n":18}',
    '{"who":"z","n":10}',
  ])
})

test('a bounded job over files waits at an ABORT for what comes after it', async () => {
  const report = await simulate({
    job: `CREATE TABLE clicks (who STRING NOT NULL, n BIGINT)
        WITH ('connector' = 'filesystem', 'path' = '/in', 'format' = 'json');
      CREATE TABLE sums (who STRING, n BIGINT, PRIMARY KEY (who) NOT ENFORCED)
        WITH ('connector' = 'print');
      INSERT INTO sums SELECT who, SUM(n) FROM clicks GROUP BY who;`,
    inputs: { clicks: [{ who: 'x', n: 1 }, { who: 'y', n: 2 }, ABORT, { who: 'x', n: 4 }, EOF] },
    faults: 'none',
    seeds: 4,
  })
  assert.ok(report.ok, report.text)
  assert.deepEqual([...(report.expected[0]?.rows ?? [])].sort(), ['x, 5', 'y, 2'])
  for (const { faults } of report.seeds) assert.match(faults.join(), /^\d+ ms ABORT tm-\d$/)
})

test('a job whose output depends on when it runs is caught, with rows, faults and the call that repeats it', async () => {
  const options: SimulateOptions = {
    job: `CREATE TABLE a (n BIGINT) ${kafka('a', BOUNDED)};
      CREATE TABLE b (n BIGINT, at TIMESTAMP_LTZ(3)) ${kafka('b')};
      INSERT INTO b SELECT n, CURRENT_TIMESTAMP FROM a;`,
    inputs: { a: [{ n: 1 }, ABORT, { n: 2 }, EOF] },
    seeds: [3],
  }
  const report = await simulate(options)
  const [wrong] = report.failed
  assert.equal(report.ok, false)
  assert.equal(wrong?.repeat, 'simulate({ …, seeds: [3] })')
  assert.match(report.text, /b: 2 of 2 rows are missing[\s\S]*b: 2 rows are there that are not/)
  assert.match(report.text, /ABORT tm-/)
  const again = await simulate(options)
  assert.equal(again.failed[0]?.digest, wrong?.digest)
})

test('rows that are late in some runs alone are told to be the reason', async () => {
  // Without an ABORT the first partition still holds event time when the second is read whole; at
  // one, it is at its end.
  const inputs = {
    readings: [
      [...readings('c', 0, 9), EOF],
      [...readings('a', 40, 9), ABORT, ...readings('b', 0, 30), EOF],
    ],
  }
  const report = await simulate({ job: WINDOWS, inputs, faults: 'none', seeds: 2 })
  assert.equal(report.ok, false)
  assert.match(report.text, /30 rows came too late for their window/)
})

test('mistakes in inputs, job and options are named', async () => {
  const bad = (inputs: UserInputs) => ({ job: WINDOWS, inputs, seeds: 1 })
  const input = 'SIMULATE_INPUT_INVALID'
  await refused(bad({ reading: [] }), input, /'reading' is none/)
  await refused(bad({}), input, /input for the table 'readings'/)
  await refused(bad({ readings: [{ sensr: 'a' }] }), input, /'sensr'/)
  await refused(bad({ readings: [{ temperature: 'warm' }] }), input, /partition 0, item 0/)
  await refused(bad({ readings: [EOF, { sensor: 'a' }] }), input, /EOF/)
  await refused(bad({ readings: [], 'sensor-readings': [] }), input, /once/)
  const job = 'SIMULATE_JOB_INVALID'
  await refused({ job: 'SET a = b;', inputs: {} }, job, /./)
  await refused({ job: WINDOWS.replace(/INSERT[\s\S]*/, ''), inputs: {} }, job, /one INSERT/)
  const misspelt = WINDOWS.replace('SELECT sensor,', 'SELECT\n  sensr,')
  await refused({ job: misspelt, inputs: {} }, job, /sensr[\s\S]*line 11, column 3/)
  const option = 'SIMULATE_OPTION_INVALID'
  await refused({ ...bad({}), seeds: 0 }, option, /seeds/)
  await refused({ ...bad({}), faults: ['kil' as 'kill'] }, option, /'kil'/)
})

test('a job that fails without faults is refused with its own error', async () => {
  await refused(
    { job: WINDOWS, inputs: { readings: ['{"sensor": 5', EOF] }, seeds: 1 },
    'SIMULATE_REFERENCE_FAILED',
    /FORMAT_RECORD_MALFORMED/,
  )
  await refused(
    { job: WINDOWS, inputs: { readings: [] }, seeds: 1 },
    'SIMULATE_REFERENCE_FAILED',
    /writes nothing/,
  )
})
