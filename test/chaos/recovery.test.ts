/** What counts as detected, running, new output and caught up, case by case. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chaosTable, targetLines } from './chaos-table.ts'
import { drawFaults, FAULT_CLASSES, faultClassesOf } from './faults.ts'
import { type Observed, recoveryOf } from './recovery.ts'

const LAG_LIMIT_MS = 100
const state = (atMs: number, name: string, epoch = 1): Observed => ({
  kind: 'state',
  atMs,
  epoch,
  state: name,
})
const output = (atMs: number, lagMs = 50): Observed => ({ kind: 'output', atMs, lagMs })
const leader = (atMs: number, epoch: number): Observed => ({ kind: 'leader', atMs, epoch })

const timesOf = (events: readonly Observed[], healedMs: number | null = 100) => {
  const found = recoveryOf(events, { beganMs: 100, healedMs }, 1, LAG_LIMIT_MS)
  return [found.detectedMs, found.runningMs, found.firstOutputMs, found.caughtUpMs]
}

test('Rows that were under way when the fault came are no new output', () => {
  const events = [
    output(90),
    output(105),
    state(110, 'RESTARTING'),
    output(115),
    state(150, 'RUNNING'),
    output(180, 500),
    output(220),
  ]
  assert.deepEqual(timesOf(events), [110, 150, 180, 220])
})

test('A second failure before it has caught up starts everything anew but the detection', () => {
  const events = [
    state(110, 'RESTARTING'),
    state(150, 'RUNNING'),
    output(160, 500),
    state(170, 'RESTARTING'),
    output(175),
    state(200, 'RUNNING'),
    output(210),
  ]
  assert.deepEqual(timesOf(events), [110, 200, 210, 210])
})

test('A new leader is a detection, and what the former one still says of the job does not count', () => {
  const events = [
    leader(130, 2),
    state(131, 'RUNNING', 1),
    output(140),
    state(150, 'CREATED', 2),
    state(180, 'RUNNING', 2),
    output(190),
  ]
  assert.deepEqual(timesOf(events), [130, 180, 190, 190])
})

test('A fault that nobody notices is over with the first output after its end', () => {
  assert.deepEqual(timesOf([output(120), output(160)], 150), [null, null, 160, 160])
  assert.deepEqual(timesOf([output(120), output(160)], null), [null, null, null, null])
})

test('Every class is drawn as often as its weight says, whatever the seed', () => {
  const draws = drawFaults(FAULT_CLASSES, () => 0.7)
  const total = FAULT_CLASSES.reduce((sum, { weight }) => sum + weight, 0)
  const counts = new Map<string, number>()
  for (let i = 0; i < total; i++) {
    const { name } = draws.next().value as { name: string }
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  for (const { name, weight } of FAULT_CLASSES) assert.equal(counts.get(name), weight, name)
})

test('Faults are chosen by family or name, and an unknown one is named', () => {
  assert.deepEqual(
    faultClassesOf('pause,broker-cut').map(({ name }) => name),
    ['pause-taskmanager', 'pause-leader', 'broker-cut'],
  )
  assert.throws(() => faultClassesOf('pauze'), /no fault 'pauze'/)
})

test('The table takes times from faults that stood alone', () => {
  const recovery = { detectedMs: 10, runningMs: 30, firstOutputMs: 2100, caughtUpMs: 2200 }
  const fault = { name: 'kill-leader', beganMs: 0, healedMs: 5, recovery, overlapped: false }
  const slow = { ...recovery, firstOutputMs: 9000 }
  const faults = [fault, { ...fault, recovery: slow, overlapped: true }]
  const [, row] = chaosTable(faults)
  assert.match(row as string, /^kill-leader +2 +1 +1 +10 \/ 10 +20 \/ 20 +2090 \/ 2090 +2200/)
  assert.match(targetLines(faults)[0] as string, /0 of 1 times/)
})
