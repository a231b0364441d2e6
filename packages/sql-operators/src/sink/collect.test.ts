/**
 * Rows of a SELECT from sink to coordinator to client: at once, and after a failure under
 * another run's name.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf, type OperatorSnapshot, type Schema } from '@millrace/core'
import { OperatorHarness, restoredState } from '../testing/operator-harness.ts'
import { type CollectContext, CollectCoordinator } from './collect-coordinator.ts'
import type { CollectPage } from './collect-protocol.ts'
import { CollectSink } from './collect-sink.ts'

const SCHEMA: Schema = { fields: [{ name: 'v', type: { kind: 'INT', nullable: true } }] }
const tick = () => new Promise((resolve) => setImmediate(resolve))

function open(
  coordinator: CollectCoordinator,
  options: {
    snapshots?: OperatorSnapshot[]
    checkpointing?: boolean
    bufferRows?: number
    attempt?: number
  } = {},
) {
  return new OperatorHarness({
    factory: (c, x) => ({ kind: 'operator', operator: new CollectSink(c as never, x) }),
    config: { schema: SCHEMA },
    outputSchema: SCHEMA,
    attempt: options.attempt ?? 0,
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
const ask = (coordinator: CollectCoordinator, offset: number, limit = 1000, run?: string | null) =>
  coordinator.handleClientRequest({
    offset,
    limit,
    ...(run === undefined ? {} : { run }),
  }) as CollectPage
const values = (coordinator: CollectCoordinator, offset: number, limit = 1000) =>
  ask(coordinator, offset, limit).rows.map((row) => row[1])

for (const checkpointing of [true, false]) {
  test(`rows show at once, ${checkpointing ? 'before their checkpoint' : 'without checkpoints'}`, async () => {
    const coordinator = new CollectCoordinator({})
    const harness = await open(coordinator, { checkpointing })
    write(harness, 0, 3)
    await tick()
    assert.deepEqual(values(coordinator, 0), [0, 1, 2])
    assert.deepEqual(ask(coordinator, 3), {
      rows: [],
      nextOffset: 3,
      run: '1_0',
      resumeAt: 0,
      final: 0,
      ended: false,
    })
  })
}

test('the first row after a pause goes at once, those right behind it a flush interval later', async () => {
  const coordinator = new CollectCoordinator({})
  const harness = await open(coordinator)
  write(harness, 0, 1)
  await tick()
  write(harness, 1, 2)
  await tick()
  assert.deepEqual(values(coordinator, 0), [0])
  harness.advanceTo(harness.nowMs + 50)
  await tick()
  assert.deepEqual(values(coordinator, 0), [0, 1])
})

test('rows are final once the checkpoint behind them is complete', async () => {
  const coordinator = new CollectCoordinator({})
  const harness = await open(coordinator)
  write(harness, 0, 2)
  await harness.checkpoint(1)
  write(harness, 2, 4)
  await settle(harness)
  assert.equal(ask(coordinator, 0).final, 0)
  harness.operator.notifyCheckpointComplete!(1)
  await settle(harness)
  assert.equal(ask(coordinator, 0).final, 2)
})

test('after a failure the client hears of another run and where its rows begin, whether the coordinator survived or not', async () => {
  for (const survives of [true, false]) {
    let coordinator = new CollectCoordinator({})
    const harness = await open(coordinator)
    write(harness, 0, 5)
    assert.deepEqual(values(coordinator, 0, 3), [0, 1, 2])
    await settle(harness)
    ask(coordinator, 3, 1, '1_0')
    const snapshot = await harness.checkpoint(1)
    harness.operator.notifyCheckpointComplete!(1)
    write(harness, 100, 103)
    await settle(harness)
    assert.deepEqual(values(coordinator, 3), [3, 4, 100, 101, 102])
    await harness.operator.close()
    if (!survives) {
      coordinator = new CollectCoordinator({})
      const unknown = ask(coordinator, 8, 1000, '1_0')
      assert.deepEqual([unknown.run, unknown.rows, unknown.nextOffset], [null, [], 8])
    }
    const again = await open(coordinator, { snapshots: [snapshot], attempt: 1 })
    write(again, 5, 8)
    await settle(again)
    const told = ask(coordinator, 8, 1000, '1_0')
    assert.deepEqual([told.run, told.resumeAt, told.nextOffset, told.rows], ['1_1', 5, 5, []])
    assert.deepEqual(values(coordinator, told.nextOffset), [5, 6, 7])
    await again.checkpoint(2)
    again.operator.notifyCheckpointComplete!(2)
    await settle(again)
    assert.equal(ask(coordinator, 8, 1000, '1_1').final, 8)
  }
})

test('a client that is behind the checkpoint goes on where it was', async () => {
  const coordinator = new CollectCoordinator({})
  const harness = await open(coordinator)
  write(harness, 0, 5)
  await tick()
  const snapshot = await harness.checkpoint(1)
  await harness.operator.close()
  await open(coordinator, { snapshots: [snapshot], attempt: 1 })
  const told = ask(coordinator, 2, 1000, '1_0')
  assert.deepEqual([told.resumeAt, told.nextOffset], [5, 2])
  assert.deepEqual(values(coordinator, 2), [2, 3, 4])
})

test('a client that does not fetch holds the query back, and the query goes on when it does', async () => {
  const coordinator = new CollectCoordinator({ bufferRowsMax: 10 })
  const harness = await open(coordinator, { bufferRows: 15 })
  write(harness, 0, 20)
  await settle(harness)
  assert.equal(harness.operator.isBlocked!(), true)
  assert.equal(values(coordinator, 0, 10).length, 10)
  assert.equal(ask(coordinator, 10, 10).rows.length, 10)
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
  await harness.operator.finish!({ kind: 'checkpoint' })
  coordinator.jobEnded('FINISHED')
  const first = ask(coordinator, 0, 2000)
  assert.equal(first.ended, false)
  const second = ask(coordinator, first.nextOffset, 2000)
  assert.deepEqual([second.rows.length, second.ended], [500, true])
})

test('a failed query gives its rows, then an error', async () => {
  const coordinator = new CollectCoordinator({})
  const harness = await open(coordinator, { checkpointing: false })
  write(harness, 0, 2)
  await settle(harness)
  coordinator.jobEnded('FAILED')
  const page = ask(coordinator, 0, 10)
  assert.deepEqual(
    [page.rows.length, page.ended, (page.error as { code: string }).code],
    [2, true, 'COLLECT_QUERY_FAILED'],
  )
})

test('a request that waits is answered by the first row, by an end, or when it would wait no longer', async () => {
  const timers: (() => void)[] = []
  const context: CollectContext = {
    platform: { clock: { monotonicMs: () => 0 } },
    schedule: (_delayMs, action) => {
      timers.push(action)
      return () => {}
    },
    failJob: () => {},
  }
  const coordinator = new CollectCoordinator({}, context)
  const harness = await open(coordinator)
  const wait = (offset: number) =>
    Promise.resolve(coordinator.handleClientRequest({ offset, limit: 9, run: '1_0', waitMs: 200 }))
  const first = wait(0)
  write(harness, 0, 1)
  assert.deepEqual((await first).rows, [[0, 0]])
  const second = wait(1)
  timers.at(-1)!()
  assert.deepEqual((await second).rows, [])
  const third = wait(1)
  coordinator.jobEnded('FINISHED')
  assert.equal((await third).ended, true)
})

test('a request that waits while the job starts anew hears of no end, and goes on with the next run', async () => {
  // Cause: every coordinator is replaced when a whole job restarts; the one that went answered
  // "ended", and the SELECT showed what it had so far as its result.
  const context: CollectContext = {
    platform: { clock: { monotonicMs: () => 0 } },
    schedule: () => () => {},
    failJob: () => {},
  }
  const before = new CollectCoordinator({}, context)
  const first = await open(before)
  write(first, 0, 2)
  await settle(first)
  const asked = { offset: 2, limit: 9, run: '1_0', waitMs: 200 }
  const waiting = Promise.resolve(before.handleClientRequest(asked))
  before.close()
  const page = await waiting
  assert.deepEqual([page.rows, page.run, page.nextOffset, page.ended], [[], null, 2, false])
  const after = new CollectCoordinator({}, context)
  await open(after, { attempt: 1 })
  assert.deepEqual([ask(after, 2, 9, '1_0').run, ask(after, 2, 9, '1_0').ended], ['1_1', false])
})

test('a query whose client asks no more is ended, one whose client asks is not', () => {
  // Cause: a SQL client that was killed left its SELECT running, and the job kept its
  // slots for ever.
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
