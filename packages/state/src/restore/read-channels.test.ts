/** Elements under way: written, named by a manifest, shown, checked, and read back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChannelStateHandle } from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { createNodePlatform } from '@millrace/platform/node'
import { checkFiles } from '../checkpoint/check-files.ts'
import { readCheckpoint } from '../checkpoint/checkpoint-directory.ts'
import { DirectoryCheckpointStorage } from '../checkpoint/directory-checkpoint-storage.ts'
import { inspectCheckpoint } from '../inspect/inspect-checkpoint.ts'
import { writeChannelState } from '../segment/write-channel-state.ts'
import { manifestOf } from '../testing/checkpoint-writer.ts'
import { readChannels } from './read-channels.ts'

const { clock } = createNodePlatform({ logger: { level: 'error' } as never })
const DIRECTORY = '/checkpoints/job/chk-1'

function written(filesystem: MemoryFilesystem, memoryThreshold: number) {
  const place = (channel: number) => ({ from: 'input', gate: 0, channel }) as const
  const parts = [
    { place: place(0), bytes: [Uint8Array.of(1, 2), Uint8Array.of(3)] },
    { place: place(1), bytes: [] },
    { place: { from: 'output', edge: 0, subpartition: 2 } as const, bytes: [Uint8Array.of(4)] },
  ]
  return writeChannelState(parts, {
    ...{ directory: DIRECTORY, checkpointId: 1, vertexId: 'v', subtaskIndex: 0, attempt: 1 },
    ...{ keyGroupRange: { start: 0, end: 15 }, memoryThreshold, filesystem, clock },
  }) as Promise<ChannelStateHandle>
}

for (const memoryThreshold of [0, 10_000]) {
  const where = memoryThreshold === 0 ? 'in a file' : 'in the metadata'
  test(`elements under way come back as they were, ${where}`, async () => {
    const filesystem = new MemoryFilesystem()
    const storage = new DirectoryCheckpointStorage('/checkpoints/job', filesystem)
    const stored = await written(filesystem, memoryThreshold)
    assert.deepEqual(stored.parts, [
      { from: 'input', gate: 0, channel: 0, name: '0', size: 3 },
      { from: 'output', edge: 0, subpartition: 2, name: '1', size: 1 },
    ])
    await storage.complete({ ...manifestOf(1), inFlight: { edges: [], vertices: { v: [stored] } } })
    const manifest = await readCheckpoint(DIRECTORY, filesystem)
    const handle = manifest.inFlight?.vertices.v?.[0]?.handle as ChannelStateHandle['handle']
    const pieces = ['0', '1'].map((name) => ({ handle, name }))
    const streams = [
      { gate: 0, channel: 0, keyed: null, pieces },
      { gate: 0, channel: 0, keyed: null, pieces: pieces.slice(1) },
    ]
    assert.deepEqual(await readChannels(streams, filesystem), [
      Uint8Array.of(1, 2, 3, 4),
      Uint8Array.of(4),
    ])
    await checkFiles(manifest, filesystem)
    const found = await inspectCheckpoint(DIRECTORY, filesystem)
    assert.equal(found.formatVersion, 3)
    assert.equal(found.inFlightBytes, handle.size)
    const absent = [{ gate: 0, channel: 0, keyed: null, pieces: [{ handle, name: '2' }] }]
    await assert.rejects(readChannels(absent, filesystem), { code: 'STATE_CORRUPTED' })
    if (handle.kind !== 'file') return
    await filesystem.remove(handle.path)
    await assert.rejects(checkFiles(manifest, filesystem), { code: 'STATE_CORRUPTED' })
    await assert.rejects(readChannels(streams, filesystem), { code: 'STATE_CORRUPTED' })
  })
}

test('nothing under way is written nowhere', async () => {
  const none = await writeChannelState([], {
    ...{ directory: DIRECTORY, checkpointId: 1, vertexId: 'v', subtaskIndex: 0, attempt: 1 },
    ...{ keyGroupRange: { start: 0, end: 15 }, memoryThreshold: 0, clock },
    filesystem: new MemoryFilesystem(),
  })
  assert.equal(none, null)
})
