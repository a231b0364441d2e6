/** Real worker threads: messages, transfers, and every way in which one can end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ThreadExit, ThreadHandle } from '../../platform.ts'
import { createNodePlatform } from '../index.ts'

const { threads, data } = createNodePlatform({
  threadEntries: {
    test: new URL('../testing/test-thread.ts', import.meta.url),
    missing: new URL('./no-such-entry.ts', import.meta.url),
  },
})
const MEBIBYTE = 1024 * 1024
const LIMITS = {
  name: 'test',
  heapMaxBytes: 32 * MEBIBYTE,
  youngGenerationMaxBytes: 4 * MEBIBYTE,
}

const start = (spawnData: unknown = null): ThreadHandle => threads.spawn('test', spawnData, LIMITS)
const nextMessage = (thread: ThreadHandle): Promise<unknown> =>
  new Promise((resolve) => thread.onMessage(resolve))
const exitOf = (thread: ThreadHandle): Promise<ThreadExit> =>
  new Promise((resolve) => thread.onExit(resolve))

test('a thread gets its data and messages, also those posted before it runs', async () => {
  const thread = start({ slot: 3 })
  thread.post({ action: 'echo', value: new Map([[1, 'a']]) })
  const message = await nextMessage(thread)
  assert.deepEqual(message, { data: { slot: 3 }, value: new Map([[1, 'a']]) })
  await thread.terminate()
})

test('transferred buffers move', async () => {
  const thread = start()
  const bytes = new Uint8Array([1, 2, 3])
  thread.post({ action: 'echo', value: bytes }, [bytes.buffer])
  assert.equal(bytes.length, 0)
  const { value } = (await nextMessage(thread)) as { value: Uint8Array }
  assert.deepEqual(value, new Uint8Array([1, 2, 3]))
  await thread.terminate()
})

test('ports move to a thread and carry data connections', async () => {
  const thread = start()
  const [own, other] = data.createPortPair()
  thread.post({ action: 'echo-port', value: other }, [other])
  const connection = data.overPort(own)
  const answer = new Promise((resolve) => connection.onFrame((frame) => resolve([...frame])))
  connection.send([new Uint8Array([4, 5])])
  assert.deepEqual(await answer, [4, 5])
  connection.close()
  await thread.terminate()
})

test('a thread that fills its heap ends alone, as out-of-memory', async () => {
  const neighbour = start()
  const thread = start()
  const exit = exitOf(thread)
  thread.post({ action: 'fill-heap' })
  assert.equal((await exit).reason, 'out-of-memory')
  neighbour.post({ action: 'echo', value: 1 })
  assert.deepEqual(await nextMessage(neighbour), { data: null, value: 1 })
  await neighbour.terminate()
})

test('a thread that spins can be terminated', async () => {
  const thread = start()
  const exit = exitOf(thread)
  thread.post({ action: 'echo', value: 0 })
  await nextMessage(thread)
  thread.post({ action: 'spin' })
  await thread.terminate()
  assert.deepEqual(await exit, { reason: 'terminated' })
  thread.post({ action: 'echo' })
})

test('an uncaught exception and a missing entry are reported with message and stack', async () => {
  const thread = start()
  const exit = exitOf(thread)
  thread.post({ action: 'throw' })
  const thrown = await exit
  assert.equal(thrown.reason, 'error')
  assert.match('message' in thrown ? thrown.message : '', /thrown in the thread/)
  assert.match('stack' in thrown ? (thrown.stack ?? '') : '', /test-thread\.ts/)
  const missing = await exitOf(threads.spawn('missing', null, LIMITS))
  assert.equal(missing.reason, 'error')
  assert.match('message' in missing ? missing.message : '', /no-such-entry/)
})

test('a thread that exits says so, also to a handler that comes late', async () => {
  const thread = start()
  thread.post({ action: 'exit' })
  assert.deepEqual(await exitOf(thread), { reason: 'exited' })
  assert.deepEqual(await exitOf(thread), { reason: 'exited' })
})

test('an unknown entry is refused with the nearest name', () => {
  assert.throws(() => threads.spawn('tset', null, LIMITS), {
    code: 'THREAD_ENTRY_UNKNOWN',
    hint: "Did you mean 'test'?",
  })
})
