/**
 * The chaos run in small, so that it never rots: three JobManagers, two TaskManagers and a
 * real broker, one fault of each kind that hits processes or connections, and every window
 * once and right.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FAULT_CLASSES } from '../chaos/faults.ts'
import { runChaos } from '../chaos/run-chaos.ts'

const FAULTS = [
  'kill-taskmanager',
  'kill-leader',
  'pause-taskmanager',
  'broker-cut',
  'network-one-way',
  'network-half-open',
]
const ours = (process.env.KAFKA_BOOTSTRAP_SERVERS ?? '') === ''

test('killed, stopped and paused processes and cut connections lose and double nothing', {
  skip: ours ? false : 'the broker of KAFKA_BOOTSTRAP_SERVERS is not ours to put behind a proxy',
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-chaos-'))
  const lines: string[] = []
  const result = await runChaos({
    directory,
    seed: 1,
    classes: FAULTS.map((name) => FAULT_CLASSES.find((one) => one.name === name)).filter(
      (one) => one !== undefined,
    ),
    until: 'each-class-once',
    jobManagers: 3,
    taskManagers: 2,
    readingsPerSecond: 600,
    checkpointIntervalMs: 500,
    recoveryTimeoutMs: 180_000,
    warmUpMs: 2000,
    log: (text) => lines.push(text),
  }).catch((error) => {
    throw new Error(`${error}; kept for reading: ${directory}\n${lines.join('\n')}`)
  })
  assert.ok(result.right, `kept for reading: ${directory}\n${lines.join('\n')}`)
  assert.equal(result.savepoints, 1)
  assert.deepEqual(
    result.faults.map(({ name }) => name),
    FAULTS,
  )
  for (const name of ['kill-taskmanager', 'kill-leader', 'pause-taskmanager']) {
    const fault = result.faults.find((one) => one.name === name)
    assert.notEqual(fault?.recovery.detectedMs, null, `${name} was noticed\n${lines.join('\n')}`)
  }
  rmSync(directory, { recursive: true, force: true })
})
