/** Who replays which elements under way, at whatever parallelism, and what is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChannelPart, ChannelPlace, ChannelStateHandle, RestoredChannel } from '@millrace/core'
import type { ChannelEdge, InFlightManifest } from '../checkpoint/in-flight-manifest.ts'
import { reassignChannels } from './reassign-channels.ts'

const CLAIM_ALL = { ignoreUnclaimedState: false }

function edgeOf(producers: number, consumers: number, changes: Partial<ChannelEdge> = {}) {
  return {
    source: { vertexId: 'p', operatorId: 'sends', edge: 0 },
    target: {
      ...{ vertexId: 'c', operatorId: 'reads', input: 0, gate: 0, channel: 0 },
      maxParallelism: 8,
    },
    type: { kind: 'columns', schema: { fields: [] } },
    partitioning: { kind: 'hash', keyColumns: [1] },
    ...{ producers, consumers },
    ...changes,
  } satisfies ChannelEdge
}

function storedBy(name: string, parts: readonly ChannelPlace[]) {
  return {
    version: 1,
    handle: { kind: 'file', path: name, size: 1, crc32: 1 },
    parts: parts.map((part, n): ChannelPart => ({ ...part, name: `${n}`, size: 1 })),
  } satisfies ChannelStateHandle
}

const channels = (count: number) =>
  Array.from({ length: count }, (_, channel) => ({ from: 'input', gate: 0, channel }) as const)
const outputs = (count: number) =>
  Array.from(
    { length: count },
    (_, subpartition) => ({ from: 'output', edge: 0, subpartition }) as const,
  )

/** Two producers, two consumers, something everywhere. */
function full(partitioning: ChannelEdge['partitioning']): InFlightManifest {
  return {
    edges: [edgeOf(2, 2, { partitioning })],
    vertices: {
      p: [storedBy('p0', outputs(2)), storedBy('p1', outputs(2))],
      c: [
        storedBy('c0', channels(2)),
        storedBy('c1', [
          ...channels(2),
          { from: 'restored', gate: 0, channel: 0, keyGroups: { start: 5, end: 7 } },
        ]),
      ],
    },
  }
}

const HASH = { kind: 'hash', keyColumns: [1] } as const
const piecesOf = ({ pieces, keyed }: RestoredChannel) => {
  const range = keyed === null ? '' : ` ${keyed.keyGroups.start}-${keyed.keyGroups.end}`
  return `${pieces.map(({ handle, name }) => `${handle.kind === 'file' && handle.path}/${name}`)}${range}`
}
const replays = (inFlight: InFlightManifest, edge: ChannelEdge) =>
  reassignChannels(inFlight, [edge], CLAIM_ALL)
    .get('c')
    ?.map((subtask) => subtask.map(piecesOf))

test('what had come and what had not been sent of a channel are one stream', () => {
  assert.deepEqual(replays(full(HASH), edgeOf(2, 2)), [
    ['c0/0,p0/0 0-3', 'c0/1,p1/0 0-3'],
    ['c1/2 5-7', 'c1/0,p0/1 4-7', 'c1/1,p1/1 4-7'],
  ])
})

test('by key every subtask reads the streams that may have rows of its key groups', () => {
  assert.deepEqual(replays(full(HASH), edgeOf(1, 3)), [
    ['c0/0,p0/0 0-2', 'c0/1,p1/0 0-2'],
    ['c1/2 5-5', ...['c0/0,p0/0 3-3', 'c0/1,p1/0 3-3'], ...['c1/0,p0/1 4-5', 'c1/1,p1/1 4-5']],
    ['c1/2 6-7', 'c1/0,p0/1 6-7', 'c1/1,p1/1 6-7'],
  ])
  assert.equal(replays(full(HASH), edgeOf(5, 1))?.[0]?.length, 5)
})

test('without keys all channels of a former consumer go to one', () => {
  const rebalance = { kind: 'rebalance' } as const
  assert.deepEqual(replays(full(rebalance), edgeOf(2, 1, { partitioning: rebalance })), [
    ['c1/2', 'c0/0,p0/0', 'c0/1,p1/0', 'c1/0,p0/1', 'c1/1,p1/1'],
  ])
  assert.deepEqual(replays(full(rebalance), edgeOf(2, 3, { partitioning: rebalance }))?.[2], [])
})

test('an edge is claimed by its ends, or by the only one of its sender that carries the same', () => {
  const inFlight = full(HASH)
  const elsewhere = { ...edgeOf(2, 2).target, operatorId: 'another sink' }
  const moved = edgeOf(2, 2, { target: elsewhere })
  assert.equal(replays(inFlight, moved)?.length, 2)
  const unlike = [
    edgeOf(2, 2, { source: { vertexId: 'p', operatorId: 'another', edge: 0 } }),
    edgeOf(2, 2, { partitioning: { kind: 'hash', keyColumns: [0] } }),
    edgeOf(2, 2, { type: { kind: 'objects', serializer: { artifact: 'a', export: 'b' } } }),
    edgeOf(2, 2, { target: { ...edgeOf(2, 2).target, maxParallelism: 16 } }),
  ]
  for (const edge of unlike) {
    assert.throws(() => reassignChannels(inFlight, [edge], CLAIM_ALL), {
      code: 'CHANNEL_STATE_UNCLAIMED',
    })
    assert.equal(reassignChannels(inFlight, [edge], { ignoreUnclaimedState: true }).size, 0)
  }
  assert.throws(() => reassignChannels(inFlight, [moved, { ...moved }], CLAIM_ALL), {
    code: 'CHANNEL_STATE_UNCLAIMED',
  })
})
