/** A wrong bit anywhere in a file is found before a job reads it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { inspectCheckpoint } from '../inspect/inspect-checkpoint.ts'
import { takeCheckpoint } from '../testing/checkpoint-writer.ts'
import { randomContent, seeded } from '../testing/random-state.ts'
import { checkFiles } from './check-files.ts'
import { DirectoryCheckpointStorage } from './directory-checkpoint-storage.ts'
import { type VerifyProgress, verifyCheckpoint } from './verify-checkpoint.ts'

const LOCATION = '/checkpoints/job/chk-1'

async function taken() {
  const filesystem = new MemoryFilesystem()
  const storage = new DirectoryCheckpointStorage('/checkpoints/job', filesystem)
  const content = randomContent(seeded(7), 16, 4000)
  const plan = { content, checkpointId: 1, parallelism: 2, maxParallelism: 16, memoryThreshold: 0 }
  await takeCheckpoint(storage, filesystem, plan)
  const files = filesystem.paths().filter((path) => path.endsWith('.state'))
  return { filesystem, manifest: await storage.read(1), files }
}

/** Flips a bit in the middle of the file. */
async function damage(filesystem: MemoryFilesystem, path: string): Promise<void> {
  const bytes = (await filesystem.readFile(path)).slice()
  const at = Math.floor(bytes.length / 3)
  bytes[at] = (bytes[at] as number) ^ 4
  filesystem.set(path, bytes)
}

test('a sound checkpoint is read to its end, with progress', async () => {
  const { filesystem, files } = await taken()
  const progress: VerifyProgress[] = []
  const { read, damaged } = await verifyCheckpoint(LOCATION, filesystem, (done, all) => {
    progress.push(done)
    assert.ok(done.bytes <= all.bytes && done.files <= all.files)
  })
  assert.deepEqual([damaged, read.files, files.length], [[], 2, 2])
  assert.ok(read.bytes > 10_000)
  assert.deepEqual(progress.at(-1), read)
})

test('each file with a wrong bit in it is named, which its index alone does not show', async () => {
  const { filesystem, manifest, files } = await taken()
  for (const path of files) await damage(filesystem, path)
  await inspectCheckpoint(LOCATION, filesystem)
  const { damaged } = await verifyCheckpoint(LOCATION, filesystem)
  assert.deepEqual(
    damaged.map(({ code, location }) => [code, location?.file]),
    files.toSorted().map((path) => ['STATE_CORRUPTED', path]),
  )
  // State as small as this is read whole before a job starts from it.
  await assert.rejects(checkFiles(manifest, filesystem), { code: 'STATE_CORRUPTED' })
})

test('a missing file is one of those that are named', async () => {
  const { filesystem, files } = await taken()
  const [gone, kept] = files as [string, string]
  await filesystem.remove(gone)
  const { damaged } = await verifyCheckpoint(LOCATION, filesystem)
  assert.deepEqual(
    damaged.map(({ location }) => location?.file),
    [gone],
  )
  assert.notEqual(gone, kept)
})
