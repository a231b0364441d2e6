/** Damage to any byte of any file of a checkpoint: a named error, never other rows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { restoreCheckpoint, takeCheckpoint } from '../testing/checkpoint-writer.ts'
import { type KeyedRow, randomContent, seeded, sorted } from '../testing/random-state.ts'
import { DirectoryCheckpointStorage } from './directory-checkpoint-storage.ts'

const DIRECTORY = '/checkpoints/job'
const NAMED = ['STATE_CORRUPTED', 'CHECKPOINT_METADATA_CORRUPTED', 'CHECKPOINT_VERSION_UNSUPPORTED']
const content = randomContent(seeded(11), 4, 40)

async function written(): Promise<MemoryFilesystem> {
  const filesystem = new MemoryFilesystem()
  const storage = new DirectoryCheckpointStorage(DIRECTORY, filesystem)
  const plan = { content, checkpointId: 1, parallelism: 2, maxParallelism: 4, memoryThreshold: 0 }
  await takeCheckpoint(storage, filesystem, plan)
  return filesystem
}

async function restoredRows(filesystem: MemoryFilesystem): Promise<KeyedRow[]> {
  const manifest = await new DirectoryCheckpointStorage(DIRECTORY, filesystem).read(1)
  const seen = await restoreCheckpoint(manifest, filesystem, 2, 4)
  return seen.flatMap((subtask) => Object.values(subtask.content.tables).flat())
}

/**
 * Damaged data gives a named error that names the file, or, where the damage hit padding, the
 * right rows: never other rows.
 */
async function assertDetected(filesystem: MemoryFilesystem, path: string, label: string) {
  try {
    const rows = await restoredRows(filesystem)
    assert.deepEqual(sorted(rows), sorted(Object.values(content.tables).flat()), label)
    return false
  } catch (error) {
    if (!isMillraceError(error)) throw error
    assert.ok(NAMED.includes(error.code), `${label}: ${error.code}`)
    assert.ok(
      error.message.includes(path) || error.location?.file === path,
      `${label}: ${error.message}`,
    )
    assert.ok(error.hint !== undefined && error.hint.length > 10)
    return true
  }
}

test('a file cut short at any byte is reported by name', async () => {
  const whole = await written()
  assert.equal(whole.paths().length, 3)
  for (const path of whole.paths()) {
    const bytes = await whole.readFile(path)
    for (let length = 0; length < bytes.length; length += 1 + (length % 7)) {
      const filesystem = whole.afterCrash('unsynced-kept')
      filesystem.set(path, bytes.slice(0, length))
      assert.ok(await assertDetected(filesystem, path, `${path} cut to ${length}`))
    }
    const filesystem = whole.afterCrash('unsynced-kept')
    filesystem.set(path, new Uint8Array([...bytes, 0]))
    assert.ok(await assertDetected(filesystem, path, `${path} one byte longer`))
  }
})

test('a flipped bit anywhere in any file is reported by name, or changes nothing', async () => {
  const whole = await written()
  const random = seeded(3)
  for (const path of whole.paths()) {
    const bytes = await whole.readFile(path)
    let undetected = 0
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice()
      damaged[at] ^= 1 << Math.floor(random() * 8)
      const filesystem = whole.afterCrash('unsynced-kept')
      filesystem.set(path, damaged)
      if (!(await assertDetected(filesystem, path, `${path}, byte ${at}`))) undetected++
    }
    assert.ok(undetected < 64, `${undetected} of ${bytes.length} flips changed nothing in ${path}`)
  }
})

test('a segment of a newer version is no damage: both versions are named', async () => {
  const whole = await written()
  const [segment] = whole.paths().filter((path) => path.endsWith('.state'))
  const bytes = (await whole.readFile(segment)).slice()
  const view = new DataView(bytes.buffer)
  view.setUint32(4, 7, true)
  view.setUint32(bytes.length - 4, 7, true)
  const newer = whole.afterCrash('unsynced-kept')
  newer.set(segment, bytes)
  await assert.rejects(restoredRows(newer), (error) => {
    assert.ok(isMillraceError(error, 'STATE_VERSION_UNSUPPORTED'))
    assert.match(error.message, /version 7, this build reads up to 2/)
    assert.equal(error.location?.file, segment)
    return true
  })
})

test('a missing segment, or one of another checkpoint, is reported by name', async () => {
  const whole = await written()
  const [segment, other] = whole.paths().filter((path) => path.endsWith('.state'))
  const missing = whole.afterCrash('unsynced-kept')
  await missing.remove(segment)
  await assert.rejects(restoredRows(missing), { code: 'STATE_CORRUPTED', message: /is missing/ })
  const swapped = whole.afterCrash('unsynced-kept')
  swapped.set(segment, await whole.readFile(other))
  assert.ok(await assertDetected(swapped, segment, 'swapped'))
})
