/**
 * Crashes at any byte or step of taking and discarding checkpoints, with three kinds of
 * disk left behind.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CRASH_IMAGES,
  type CrashImage,
  MemoryFilesystem,
} from '@millrace/platform/memory-filesystem'
import { restoreCheckpoint, takeCheckpoint } from '../testing/checkpoint-writer.ts'
import { randomContent, seeded, sorted } from '../testing/random-state.ts'
import { DirectoryCheckpointStorage } from './directory-checkpoint-storage.ts'

const DIRECTORY = '/checkpoints/job'
const MAX_PARALLELISM = 4
const CONTENTS = [1, 2, 3].map((seed) => randomContent(seeded(seed), MAX_PARALLELISM, 6))

/**
 * Three checkpoints, one retained; tells which were acknowledged as complete, and whose removal
 * had begun.
 */
async function runJob(filesystem: MemoryFilesystem, acknowledged: number[], dropped: number[]) {
  const storage = new DirectoryCheckpointStorage(DIRECTORY, filesystem)
  await storage.prepare()
  for (const [i, content] of CONTENTS.entries()) {
    const checkpointId = i + 1
    await takeCheckpoint(storage, filesystem, {
      content,
      checkpointId,
      parallelism: 2,
      maxParallelism: MAX_PARALLELISM,
      memoryThreshold: i === 1 ? 1e9 : 0,
    })
    acknowledged.push(checkpointId)
    if (checkpointId > 1) {
      dropped.push(checkpointId - 1)
      await storage.discard(checkpointId - 1)
    }
  }
}

async function assertRecoverable(
  crashed: MemoryFilesystem,
  image: CrashImage,
  acknowledged: readonly number[],
  dropped: readonly number[],
  label: string,
): Promise<void> {
  const filesystem = crashed.afterCrash(image)
  const storage = new DirectoryCheckpointStorage(DIRECTORY, filesystem)
  const complete = await storage.list()
  for (const id of acknowledged) {
    if (!dropped.includes(id))
      assert.ok(complete.includes(id), `${label}: checkpoint ${id} is lost`)
  }
  const removed = await storage.removeAbandoned(new Set())
  assert.ok(!removed.some((id) => complete.includes(id)))
  assert.deepEqual(await storage.list(), complete)
  for (const id of complete) {
    const manifest = await storage.read(id)
    const seen = await restoreCheckpoint(manifest, filesystem, 2, MAX_PARALLELISM)
    for (const [name, rows] of Object.entries(CONTENTS[id - 1].tables)) {
      const restored = seen.flatMap((subtask) => subtask.content.tables[name])
      assert.deepEqual(sorted(restored), sorted(rows), `${label}: checkpoint ${id}`)
    }
  }
}

test('a crash at any byte or step leaves the last complete checkpoint, and no half one that looks whole', async () => {
  const whole = new MemoryFilesystem()
  await runJob(whole, [], [])
  const steps = whole.steps
  // Every step would be slow; a stride that is prime to the sizes visits different bytes of each
  // write, and runs of steps around the ends.
  const points = new Set<number>()
  for (let at = 1; at <= steps + 1; at += 61) points.add(at)
  for (let seed = seeded(5), i = 0; i < 80; i++) points.add(1 + Math.floor(seed() * steps))
  const counter = new MemoryFilesystem()
  for (const boundary of await operationBoundaries(counter)) {
    for (let near = boundary - 2; near <= boundary + 2; near++) if (near > 0) points.add(near)
  }
  for (const crashAt of points) {
    const filesystem = new MemoryFilesystem()
    filesystem.crashAt = crashAt
    const acknowledged: number[] = []
    const dropped: number[] = []
    await runJob(filesystem, acknowledged, dropped).then(
      () => assert.ok(crashAt > steps),
      () => assert.ok(crashAt <= steps),
    )
    for (const image of CRASH_IMAGES) {
      const label = `crash at step ${crashAt} of ${steps}, ${image}`
      await assertRecoverable(filesystem, image, acknowledged, dropped, label)
    }
  }
})

/** The step counts after each operation of an undisturbed run. */
async function operationBoundaries(filesystem: MemoryFilesystem): Promise<number[]> {
  const boundaries: number[] = []
  let steps = 0
  Object.defineProperty(filesystem, 'steps', {
    get: () => steps,
    set: (value: number) => {
      steps = value
      boundaries.push(value)
    },
  })
  await runJob(filesystem, [], [])
  return boundaries
}

// Found by simulation: a discard that is killed after it removed the metadata, another one that
// goes on, a power cut.
test('a discard makes it durable that the metadata is gone before it removes a segment, whoever removed it', async () => {
  const filesystem = new MemoryFilesystem()
  const storage = new DirectoryCheckpointStorage(DIRECTORY, filesystem)
  const plan = { content: CONTENTS[0], checkpointId: 1, parallelism: 2, maxParallelism: 4 }
  await takeCheckpoint(storage, filesystem, { ...plan, memoryThreshold: 0 })
  await filesystem.remove(`${DIRECTORY}/chk-1/_metadata`)
  const remove = filesystem.remove.bind(filesystem)
  filesystem.remove = async (path) => {
    if (path === `${DIRECTORY}/chk-1`) {
      const paths = filesystem.afterCrash('unsynced-lost').paths()
      assert.ok(!paths.includes(`${DIRECTORY}/chk-1/_metadata`), 'a power cut brings it back')
    }
    await remove(path)
  }
  assert.deepEqual(await storage.removeAbandoned(new Set()), [1])
  assert.deepEqual(filesystem.paths(), [])
})
