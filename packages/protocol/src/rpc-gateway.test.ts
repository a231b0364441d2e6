/**
 * Gateways over real bytes without a network: what is sent arrives, errors pass, the descriptor is
 * that of proto/.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { RpcChannel, RpcHandler } from '@millrace/platform'
import { parseProtoFiles } from '../bin/parse-proto-files.ts'
import {
  decodeJson,
  encodeJson,
  type JobManagerGateway,
  jobManagerClient,
  jobManagerHandlers,
  requireEpoch,
  type TaskManagerGateway,
  taskManagerClient,
  taskManagerHandlers,
} from './index.ts'

function channelTo(handlers: Map<string, RpcHandler>): RpcChannel {
  return {
    call: (method, request) => (handlers.get(method) as RpcHandler)(new Uint8Array(request)),
    onDisconnect: () => {},
    close: () => {},
  }
}
const fence = { leaderEpoch: 7, senderId: 'tm-1' }

test('The embedded descriptor is that of the .proto files', async () => {
  const embedded = await import('./control-plane.json', { with: { type: 'json' } })
  assert.deepEqual(
    embedded.default,
    parseProtoFiles(),
    'run packages/protocol/bin/generate-descriptor.ts',
  )
})

test('A request arrives as it was sent, through real bytes', async () => {
  const seen: unknown[] = []
  const served = new Proxy({} as Record<string, (request: unknown) => Promise<unknown>>, {
    get: (_target, name) => async (request: unknown) => {
      seen.push([name, request])
      if (name === 'operatorEvent') return { answer: { accepted: true } }
      if (name === 'heartbeat') return { known: true }
      if (name === 'registerTaskManager') return { leaderEpoch: 7, jobManagerId: 'jm' }
      return undefined
    },
  })
  const handlers = jobManagerHandlers(served as unknown as JobManagerGateway)
  const jm = jobManagerClient(channelTo(handlers), { deadlineMs: 1000 })
  const registration = {
    fence,
    taskManagerId: 'tm-1',
    instanceId: 'i',
    rpcAddress: '127.0.0.1:1',
    slots: [{ slotIndex: 1, allocationId: '', jobId: '' }],
    memoryBytes: 2 ** 40,
    cpuCores: 1.5,
  }
  assert.deepEqual(await jm.registerTaskManager(registration), {
    leaderEpoch: 7,
    jobManagerId: 'jm',
  })
  assert.deepEqual(seen[0], ['registerTaskManager', registration])
  const heartbeat = { fence, taskManagerId: 'tm-1', instanceId: 'i', slots: [] }
  assert.deepEqual(await jm.heartbeat(heartbeat), { known: true })
  const ack = {
    fence,
    attemptId: 'a',
    checkpointId: 2 ** 45,
    state: { op: { list: [new Uint8Array([1, 2, 255])], watermark: -Infinity, big: 12n } },
  }
  await jm.acknowledgeCheckpoint(ack)
  assert.deepEqual(seen[2], ['acknowledgeCheckpoint', ack])
  const event = { fence, attemptId: 'a', operatorId: 'o', event: { rows: [1, null, 'é'] } }
  assert.deepEqual(await jm.operatorEvent(event), { answer: { accepted: true } })
  assert.deepEqual(seen[3], ['operatorEvent', event])
  const update = { fence, attemptId: 'a', state: 'RUNNING' as const, ended: true }
  await jm.updateTaskState(update)
  assert.deepEqual(seen[4], ['updateTaskState', update])
})

test('A server’s error passes to the caller, and undecodable bytes are named', async () => {
  const gateway = {
    freeSlot: async (request: { fence: { leaderEpoch: number; senderId: string } }) =>
      requireEpoch(request.fence, 8),
  }
  const handlers = taskManagerHandlers(gateway as unknown as TaskManagerGateway)
  const tm = taskManagerClient(channelTo(handlers), { deadlineMs: 1000 })
  await assert.rejects(tm.freeSlot({ fence, allocationId: 'a', reason: 'r' }), {
    code: 'STALE_LEADER',
  })
  const handler = handlers.get('/millrace.v1.TaskManager/FreeSlot') as RpcHandler
  await assert.rejects(handler(new Uint8Array([255, 255, 255])), { code: 'MESSAGE_MALFORMED' })
})

test('JSON payloads keep what JSON lacks', () => {
  const value = {
    a: [Number.NaN, Infinity, -Infinity, -1.5],
    b: new Uint8Array([0, 9]),
    c: 2n ** 60n,
  }
  assert.deepEqual(decodeJson(encodeJson(value)), value)
  assert.equal(decodeJson(encodeJson(undefined)), undefined)
  assert.equal(decodeJson(encodeJson(null)), null)
  assert.deepEqual(decodeJson(encodeJson(Buffer.from([1]))), new Uint8Array([1]))
})
