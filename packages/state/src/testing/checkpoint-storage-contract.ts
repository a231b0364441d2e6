/**
 * What checkpoints in a directory must do, whatever `Filesystem` it is on: this
 * machine's, a bucket.
 *
 *     testCheckpointStorage('a directory', async () => ({ root, filesystem, dispose }))
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Filesystem } from '@millrace/platform'
import { disposeCheckpoint } from '../checkpoint/checkpoint-directory.ts'
import { DirectoryCheckpointStorage } from '../checkpoint/directory-checkpoint-storage.ts'
import { writerOfSegment } from '../handle/shared-segments.ts'
import { manifestOf, restoreCheckpoint, takeCheckpoint } from './checkpoint-writer.ts'
import { randomContent, seeded, sorted } from './random-state.ts'

export interface CheckpointStorageFixture {
  readonly filesystem: Filesystem
  /** A directory in which nothing is. */
  readonly root: string
  dispose(): Promise<void>
}

const MAX_PARALLELISM = 16
const content = randomContent(seeded(1), MAX_PARALLELISM, 500)
const plan = {
  content,
  checkpointId: 1,
  parallelism: 3,
  maxParallelism: MAX_PARALLELISM,
  memoryThreshold: 1000,
}
const litter = new TextEncoder().encode('half')

export function testCheckpointStorage(
  name: string,
  createFixture: () => Promise<CheckpointStorageFixture>,
): void {
  describe(`checkpoints in ${name}`, () => {
    let fixture: CheckpointStorageFixture
    before(async () => {
      fixture = await createFixture()
    })
    after(() => fixture?.dispose())
    testLife(() => fixture)
    testRemoval(() => fixture)
    testSharing(() => fixture)
    testContent(() => fixture)
  })
}

function testLife(fixtureOf: () => CheckpointStorageFixture): void {
  test('checkpoints are listed, read and removed', async () => {
    const { filesystem, root } = fixtureOf()
    const storage = new DirectoryCheckpointStorage(`${root}/job`, filesystem)
    await storage.prepare()
    assert.deepEqual(await filesystem.list(storage.directory), [])
    for (const checkpointId of [9, 10, 11]) {
      await takeCheckpoint(storage, filesystem, { ...plan, checkpointId })
    }
    assert.deepEqual(await storage.list(), [9, 10, 11])
    const manifest = await storage.read(10)
    assert.deepEqual(Object.values(manifest.coordinators), [{ splits: ['p-0'] }])
    await storage.discard(9)
    await storage.discard(9)
    assert.deepEqual(await storage.list(), [10, 11])
    await assert.rejects(storage.read(9), {
      code: 'CHECKPOINT_NOT_FOUND',
      message: /there are 10, 11/,
    })
    await storage.discardAll()
    assert.equal(await filesystem.status(storage.directory), null)
    assert.deepEqual(await storage.list(), [])
    await assert.rejects(storage.read(11), { message: /there is none/ })
  })

  test('a checkpoint is completed once', async () => {
    const { filesystem, root } = fixtureOf()
    const storage = new DirectoryCheckpointStorage(`${root}/once`, filesystem)
    const completed = await storage.complete(manifestOf(4))
    assert.equal(completed.checkpointId, 4)
    assert.equal(completed.externalPath, `${root}/once/chk-4`)
    await assert.rejects(storage.complete(manifestOf(4)), { code: 'CHECKPOINT_ALREADY_COMPLETE' })
  })
}

function testRemoval(fixtureOf: () => CheckpointStorageFixture): void {
  const namesIn = async (filesystem: Filesystem, directory: string) =>
    (await filesystem.list(directory)).map((file) => file.path.split('/').at(-1))

  async function leave({ filesystem }: CheckpointStorageFixture, directory: string): Promise<void> {
    await filesystem.makeDirectory(directory)
    const file = await filesystem.open(`${directory}/a-0-0.state`, 'create')
    await file.append(litter)
    await file.sync()
    await file.close()
  }

  test('what an incomplete checkpoint left is removed, one that is under way stays', async () => {
    const fixture = fixtureOf()
    const { filesystem, root } = fixture
    const storage = new DirectoryCheckpointStorage(`${root}/abandoned`, filesystem)
    await takeCheckpoint(storage, filesystem, plan)
    for (const id of [2, 3]) await leave(fixture, `${storage.directory}/chk-${id}`)
    assert.deepEqual(await storage.list(), [1])
    assert.deepEqual(await storage.removeAbandoned(new Set([3])), [2])
    assert.deepEqual(await namesIn(filesystem, storage.directory), ['chk-1', 'chk-3'])
  })

  test('checkpoints that do not count go, whole or not; those that are kept or newer stay', async () => {
    const fixture = fixtureOf()
    const { filesystem, root } = fixture
    const storage = new DirectoryCheckpointStorage(`${root}/others`, filesystem)
    await storage.prepare()
    for (const checkpointId of [1, 2, 4, 6]) {
      await takeCheckpoint(storage, filesystem, { ...plan, checkpointId })
    }
    await leave(fixture, `${storage.directory}/chk-3`)
    // Left by a process that was killed.
    await filesystem.writeFileAtomic(`${storage.directory}/.write-probe.1-0-1.tmp`, litter)
    assert.deepEqual(await storage.removeOthers(new Set([2]), 6), [1, 3, 4])
    assert.deepEqual(await namesIn(filesystem, storage.directory), ['chk-2', 'chk-6'])
    const absent = new DirectoryCheckpointStorage(`${root}/absent`, filesystem)
    assert.deepEqual(await absent.removeOthers(new Set(), 6), [])
  })
}

function testSharing(fixtureOf: () => CheckpointStorageFixture): void {
  const shared = { ...plan, memoryThreshold: 0, isShared: true }

  test('segments that checkpoints share outlive the one that wrote them, and are found when moved', async () => {
    const { filesystem, root } = fixtureOf()
    const storage = new DirectoryCheckpointStorage(`${root}/shared-life`, filesystem)
    await takeCheckpoint(storage, filesystem, shared)
    const first = await storage.read(1)
    await storage.complete({ ...first, checkpointId: 2 })
    await storage.discard(1)
    const metadata = await filesystem.readFile(`${storage.directory}/chk-2/_metadata`)
    assert.match(Buffer.from(metadata).toString(), /"path":"\.\.\/shared\/1-a/)
    const seen = await restoreCheckpoint(await storage.read(2), filesystem, 2, MAX_PARALLELISM)
    const restored = seen.flatMap((subtask) => subtask.content.tables.windows)
    assert.deepEqual(sorted(restored), sorted(content.tables.windows))
  })

  test('shared segments that no complete checkpoint refers to are removed, newer ones stay', async () => {
    const { filesystem, root } = fixtureOf()
    const storage = new DirectoryCheckpointStorage(`${root}/shared-others`, filesystem)
    assert.deepEqual(await storage.sharedSegments(), [])
    for (const checkpointId of [1, 2, 3, 7]) {
      await takeCheckpoint(storage, filesystem, { ...shared, checkpointId })
    }
    await storage.complete({ ...(await storage.read(1)), checkpointId: 4 })
    for (const id of [3, 7]) await storage.discard(id)
    const writers = async () => [...new Set((await storage.sharedSegments()).map(writerOfSegment))]
    assert.deepEqual(await writers(), [1, 2, 3, 7])
    await storage.removeOthers(new Set([4]), 6)
    assert.deepEqual(await writers(), [1, 7])
    await takeCheckpoint(storage, filesystem, { ...shared, checkpointId: 5 })
    await storage.complete({ ...(await storage.read(5)), checkpointId: 6 })
    await disposeCheckpoint(`${storage.directory}/chk-5`, filesystem)
    assert.deepEqual(await writers(), [1, 5, 7])
    await disposeCheckpoint(`${storage.directory}/chk-6`, filesystem)
    assert.deepEqual(await writers(), [1, 7])
    assert.deepEqual(await storage.list(), [4])
    await storage.removeSegments(await storage.sharedSegments())
    assert.deepEqual(await writers(), [])
    await storage.removeSegments([`${storage.directory}/shared/9-a.state`])
  })
}

function testContent(fixtureOf: () => CheckpointStorageFixture): void {
  for (const memoryThreshold of [0, 1e9]) {
    const where = memoryThreshold === 0 ? 'in files' : 'in the metadata'
    test(`state ${where} is restored at any parallelism`, async () => {
      const { filesystem, root } = fixtureOf()
      const directory = `${root}/content-${memoryThreshold}`
      const storage = new DirectoryCheckpointStorage(directory, filesystem)
      await takeCheckpoint(storage, filesystem, { ...plan, memoryThreshold })
      const manifest = await storage.read(1)
      for (const parallelism of [1, 2, 5]) {
        const seen = await restoreCheckpoint(manifest, filesystem, parallelism, MAX_PARALLELISM)
        for (const [name, rows] of Object.entries(content.tables)) {
          const restored = seen.flatMap((subtask) => subtask.content.tables[name])
          assert.deepEqual(sorted(restored), sorted(rows))
        }
      }
    })
  }
}
