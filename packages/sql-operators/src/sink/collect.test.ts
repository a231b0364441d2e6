/** Rows of a SELECT from sink to coordinator to client: each once, none before a failure could take it back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf, type OperatorSnapshot, type Schema } from '@millrace/core'
import { OperatorHarness, restoredState } from '../testing/operator-harness.ts'
import { CollectCoordinator } from './collect-coordinator.ts'
import { CollectSink } from './collect-sink.ts'

const SCHEMA: Schema = { fields: [{ name: 'v', type: { kind: 'INT', nullable: true } }] }
const tick = () => new Promise((resolve) => setImmediate(resolve))

function open(
  coordinator: CollectCoordinator,
  options: { snapshots?: OperatorSnapshot[]; checkpointing?: boolean; bufferRows?: number } = {},
) {
  return new OperatorHarness({
    factory: (c, x) => ({ kind: 'operator', operator: new CollectSink(c as never, x) }),
    config: { schema: SCHEMA, localTimeZone: 'UTC' },
    outputSchema: SCHEMA,
    restored: options.snapshots === undefined ? null : restoredState(options.snapshots, 0, 1),
    checkpointingEnabled: options.checkpointing ?? true,
    configuration: { 'table.exec.collect.buffer-rows': String(options.bufferRows ?? 50_000) },
    coordinator: (event) => coordinator.handleEvent(0, JSON.parse(JSON.stringify(event))),
  }).open()
}
const write = (harness: OperatorHarness, from: number, to: number) =>
  harness.operator.processBatch(
    0,
    batchOf(
      SCHEMA,
      Array.from({ length: to - from }, (_, i) => [from + i]),
    ),
  )
async function settle(harness: OperatorHarness): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await tick()
    harness.advanceTo(harness.nowMs + 100)
  }
  await tick()
}
const values = (coordinator: CollectCoordinator, offset: number, limit = 1000) => {
  const page = coordinator.handleClientRequest({ offset, limit })
  return page.rows.map((row) => row[1])
}

test('without checkpoints rows show at once', async () => {
  const coordinator = new CollectCoordinator({})
  const harness = await open(coordinator, { checkpointing: false })
  write(harness, 0, 3)
  await settle(harness)
  assert.deepEqual(values(coordinator, 0), [0, 1, 2])
  const page = coordinator.handleClientRequest({ offset: 3, limit: 10 })
  assert.deepEqual(page, { rows: [], nextOffset: 3, ended: false })
})

test('with checkpoints rows show when the checkpoint behind them is complete', async () => {
  const coordinator = new CollectCoordinator({})
  const harness = await open(coordinator)
  write(harness, 0, 2)
  await harness.checkpoint(1)
  write(harness, 2, 4)
  await settle(harness)
  assert.deepEqual(values(coordinator, 0), [])
  harness.operator.notifyCheckpointComplete!(1)
  await settle(harness)
  assert.deepEqual(values(coordinator, 0), [0, 1])
})

test('after a failure the client gets every row once, whether the coordinator survived or not', async () => {
  for (const survives of [true, false]) {
    let coordinator = new CollectCoordinator({})
    const harness = await open(coordinator)
    const seen: unknown[] = []
    write(harness, 0, 5)
    const snapshot = await harness.checkpoint(1)
    harness.operator.notifyCheckpointComplete!(1)
    await settle(harness)
    seen.push(...values(coordinator, 0, 3))
    write(harness, 100, 103)
    await settle(harness)
    await harness.operator.close()
    if (!survives) coordinator = new CollectCoordinator({})
    const again = await open(coordinator, { snapshots: [snapshot] })
    write(again, 5, 8)
    await again.checkpoint(2)
    again.operator.notifyCheckpointComplete!(2)
    await settle(again)
    seen.push(...values(coordinator, 3))
    assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7], `coordinator survives: ${survives}`)
  }
})

test('a client that does not fetch holds the query back, and the query goes on when it does', async () => {
  const coordinator = new CollectCoordinator({ bufferRowsMax: 10 })
  const harness = await open(coordinator, { checkpointing: false, bufferRows: 15 })
  write(harness, 0, 20)
  await settle(harness)
  assert.equal(harness.operator.isBlocked!(), true)
  assert.equal(values(coordinator, 0, 10).length, 10)
  assert.equal(coordinator.handleClientRequest({ offset: 10, limit: 10 }).rows.length, 10)
  await settle(harness)
  assert.equal(harness.operator.isBlocked!(), false)
  write(harness, 20, 25)
  await settle(harness)
  assert.deepEqual(values(coordinator, 20), [], 'rows 10 … 19 were not acknowledged until now')
  await settle(harness)
  assert.deepEqual(values(coordinator, 20), [20, 21, 22, 23, 24])
})

test('the end of the query is known to the client after the last row', async () => {
  const coordinator = new CollectCoordinator({})
  const harness = await open(coordinator)
  write(harness, 0, 2500)
  harness.operator.endInput(0)
  await harness.operator.finish!()
  coordinator.jobEnded('FINISHED')
  const first = coordinator.handleClientRequest({ offset: 0, limit: 2000 })
  assert.equal(first.ended, false)
  const second = coordinator.handleClientRequest({ offset: first.nextOffset, limit: 2000 })
  assert.deepEqual([second.rows.length, second.ended], [500, true])
})

test('a failed query gives its visible rows, then an error', async () => {
  const coordinator = new CollectCoordinator({})
  const harness = await open(coordinator, { checkpointing: false })
  write(harness, 0, 2)
  await settle(harness)
  coordinator.jobEnded('FAILED')
  const page = coordinator.handleClientRequest({ offset: 0, limit: 10 })
  assert.deepEqual(
    [page.rows.length, page.ended, (page.error as { code: string }).code],
    [2, true, 'COLLECT_QUERY_FAILED'],
  )
})

test('a restart without checkpoints after rows were shown is an error, never a repetition', async () => {
  const coordinator = new CollectCoordinator({})
  const harness = await open(coordinator, { checkpointing: false })
  write(harness, 0, 2)
  await settle(harness)
  assert.deepEqual(values(coordinator, 0), [0, 1])
  for (const next of [coordinator, new CollectCoordinator({})]) {
    await open(next, { checkpointing: false })
    const page = next.handleClientRequest({ offset: 2, limit: 10 })
    assert.equal((page.error as { code: string }).code, 'COLLECT_ROWS_REPEATED')
  }
})

test('a query whose client asks no more is ended, one whose client asks is not', () => {
  // Cause: a SQL client that was killed left its SELECT running, and the job kept its slots for ever.
  let nowMs = 0
  const timers: { atMs: number; action: () => void }[] = []
  const failures: unknown[] = []
  const coordinator = new CollectCoordinator(
    { clientTimeoutMs: 1000 },
    {
      platform: { clock: { monotonicMs: () => nowMs } },
      schedule: (delayMs, action) => {
        timers.push({ atMs: nowMs + delayMs, action })
        return () => {}
      },
      failJob: (error) => failures.push(error),
    },
  )
  const advanceTo = (untilMs: number) => {
    nowMs = untilMs
    for (const timer of timers.splice(0)) {
      if (timer.atMs <= nowMs) timer.action()
      else timers.push(timer)
    }
  }
  coordinator.start()
  for (const atMs of [600, 1200, 1800]) {
    advanceTo(atMs)
    coordinator.handleClientRequest({ offset: 0, limit: 10 })
  }
  advanceTo(2790)
  assert.deepEqual(failures, [])
  advanceTo(2800)
  assert.equal(failures.length, 1)
  assert.equal((failures[0] as { code: string }).code, 'COLLECT_CLIENT_GONE')
})
