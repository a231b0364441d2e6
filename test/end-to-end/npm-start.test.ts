/** `npm start -- --once`: what a person types first. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { sensorReading } from '../../packages/distribution/src/start/sensor-readings.ts'
import { type Aggregate, compareAggregates, expectedAggregates } from '../support/sensor-oracle.ts'

const ROOT = join(import.meta.dirname, '../..')
const START = join(ROOT, 'packages/distribution/bin/start.mjs')

interface Outcome {
  readonly code: number | null
  readonly output: string
  /** Seconds from the start to the first window line. */
  readonly firstResultS: number
}

function runStart(directory: string, args: readonly string[], stopAt?: RegExp): Promise<Outcome> {
  return new Promise((resolve) => {
    const startedMs = performance.now()
    let output = ''
    let stopped = false
    let firstResultS = Number.NaN
    const child = spawn(process.execPath, [START, ...args], { cwd: directory })
    const take = (chunk: Buffer) => {
      output += chunk.toString()
      if (Number.isNaN(firstResultS) && /^sensor-\d+ /m.test(output)) {
        firstResultS = (performance.now() - startedMs) / 1000
      }
      if (!stopped && stopAt?.test(output)) {
        stopped = true
        child.kill('SIGINT')
      }
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('close', (code) => resolve({ code, output, firstResultS }))
  })
}

function processesBelow(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory)
      } catch {
        return false
      }
    })
}

describe('npm start', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-start-'))
  after(() => rmSync(directory, { recursive: true, force: true }))

  it('--once aggregates the 200 readings, prints plain lines and ends with exit code 0', async () => {
    const { code, output } = await runStart(directory, ['--once'])
    assert.equal(code, 0, output)
    assert.match(output, /Job FINISHED: 200 readings in \d+ windows/)
    assert.ok(!output.includes('\u001b'), 'no escape sequences in a pipe')
    const place = join(directory, '.millrace/main-job')
    const lines = (folder: string) =>
      readdirSync(join(place, folder))
        .filter((name) => !/^[._]/.test(name))
        .flatMap((name) => readFileSync(join(place, folder, name), 'utf8').split('\n'))
        .filter((line) => line !== '')
    const readings = lines('sensor-readings').map((line) => JSON.parse(line))
    assert.equal(readings.length, 200)
    assert.equal(readings.filter((r) => r.sensor_id === sensorReading(0, 0).sensor_id).length, 20)
    const rows = lines('sensor-aggregates').map((line) => JSON.parse(line) as Aggregate)
    const comparison = compareAggregates(expectedAggregates(readings), rows)
    assert.deepEqual(comparison, { missing: [], doubled: [], wrong: [], unexpected: [] })
  })

  it('shows windows and checkpoints as they come, and Ctrl-C stops every process', async () => {
    const { code, output } = await runStart(directory, [], /checkpoint 3 complete/)
    assert.equal(code, 0, output)
    assert.match(output, /^sensor-\d+ .* avg .* readings \d+$/m)
    assert.match(output, /watermark \d{4}-/)
    assert.match(output, /\nStopping the job, the JobManager and two TaskManagers …\n$/)
    assert.deepEqual(processesBelow(directory), [])
  })

  it('Ctrl-C while it starts is answered, and no error follows', async () => {
    // Cause: the processes of the cluster had the signal too, and the start failed with
    // REST_UNREACHABLE.
    const { code, output } = await runStart(directory, [], /Starting a JobManager/)
    assert.equal(code, 0, output)
    assert.match(output, /\nStopping the job, .*\n$/)
    assert.deepEqual(processesBelow(directory), [])
  })
})
