/** Acknowledgements that are malformed, or not the task's own to give. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatePart } from '@millrace/core'
import { ClusterHarness, pipeline, vertex } from '../testing/cluster-harness.ts'
import { settle } from '../testing/manual-clock.ts'
import { checkedAcknowledgement } from './checked-acknowledgement.ts'

const task = { vertex: vertex('sink', 2, { gate: true }), subtaskIndex: 1 }
const part: StatePart = {
  handle: { kind: 'file', path: '/c/chk-1/x', size: 10, crc32: 4_000_000_000 },
  keyGroups: { start: 64, end: 127 },
  lists: { positions: { count: 2, offset: 0, stride: 1 } },
  unions: ['watermark'],
}
const given = (change: object) => ({ 'op-sink': { parts: [{ ...part, ...change }] } })

test('what a task wrote itself is taken as it is', () => {
  for (const state of [given({}), given({ keyGroups: null }), {}, null, undefined]) {
    assert.deepEqual(checkedAcknowledgement(task, state), state ?? {})
  }
})

test('what is malformed, of another operator or of other key groups is refused with its place', () => {
  const inline = { kind: 'inline', bytes: 7, size: 1, crc32: 0 }
  for (const [state, why] of [
    ['everything', /the state is "everything", not an object/],
    [[], /not an object/],
    [{ 'op-sink': null }, /no list of parts/],
    [{ 'op-sink': { parts: [null] } }, /part 0 of operator op-sink: it is null/],
    [given({ handle: undefined }), /its handle is absent/],
    [given({ handle: { ...part.handle, kind: 'tape' } }), /kind is "tape"/],
    [given({ handle: { ...part.handle, size: '10' } }), /size or checksum is/],
    [given({ handle: { ...part.handle, crc32: -1 } }), /size or checksum is/],
    [given({ handle: { ...part.handle, path: null } }), /its file handle leads to null/],
    [given({ handle: inline }), /its inline handle leads to 7/],
    [given({ keyGroups: { start: 90, end: 70 } }), /key groups are/],
    [given({ lists: { positions: { count: 1, offset: 1, stride: 1 } } }), /list 'positions' is/],
    [given({ unions: [1] }), /unions are \[1\]/],
    [{ other: { parts: [part] } }, /it has no operator other/],
    [given({ keyGroups: { start: 63, end: 127 } }), /63 to 127 .* not within its own, 64 to 127/],
  ] as const) {
    assert.throws(
      () => checkedAcknowledgement(task, state),
      (error: { code: string; message: string }) =>
        error.code === 'ACKNOWLEDGEMENT_INVALID' && why.test(error.message),
      String(why),
    )
  }
})

test('a malformed acknowledgement ends its checkpoint, with the reason', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1, 1)
  const job = await cluster.submit(pipeline(1, { 'execution.checkpointing.interval': '10 s' }))
  await cluster.clock.advance(10_000)
  const [taskManager] = cluster.taskManagers
  const [attemptId] = [...taskManager!.tasks.keys()]
  await taskManager!.jobManager.acknowledgeCheckpoint({
    fence: taskManager!.fence,
    attemptId: attemptId!,
    checkpointId: 1,
    state: { 'op-source': { parts: 'all' } },
  })
  await settle()
  assert.equal(job.statistics.counts.failed, 1)
})
