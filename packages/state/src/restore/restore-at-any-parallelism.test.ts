/** The property that matters: write at p, restore at q, every row and item exactly once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { DirectoryCheckpointStorage } from '../checkpoint/directory-checkpoint-storage.ts'
import { restoreCheckpoint, takeCheckpoint } from '../testing/checkpoint-writer.ts'
import { randomContent, rangeOf, seeded, sorted } from '../testing/random-state.ts'

test('a snapshot at any parallelism, restored at any other, gives each row and item exactly once', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed)
    const maxParallelism = [5, 16, 128][seed % 3]
    const parallelism = 1 + Math.floor(random() * 5)
    const content = randomContent(random, maxParallelism, seed % 10 === 0 ? 3000 : 120)
    const filesystem = new MemoryFilesystem()
    const storage = new DirectoryCheckpointStorage('/checkpoints/job', filesystem)
    const memoryThreshold = [0, 2000, 1e9][Math.floor(random() * 3)]
    const plan = { content, checkpointId: 7, parallelism, maxParallelism, memoryThreshold }
    await takeCheckpoint(storage, filesystem, plan)
    const manifest = await storage.read(7)
    for (let newParallelism = 1; newParallelism <= 5; newParallelism++) {
      const label = `seed ${seed}, ${parallelism} → ${newParallelism}`
      const seen = await restoreCheckpoint(manifest, filesystem, newParallelism, maxParallelism)
      for (const [subtask, { keyGroups }] of seen.entries()) {
        const range = rangeOf(subtask, newParallelism, maxParallelism)
        assert.ok(
          keyGroups.every((group) => group >= range.start && group <= range.end),
          label,
        )
      }
      for (const [name, rows] of Object.entries(content.tables)) {
        const restored = seen.flatMap((subtask) => subtask.content.tables[name])
        assert.deepEqual(sorted(restored), sorted(rows), label)
      }
      for (const [name, items] of Object.entries(content.lists)) {
        const shares = seen.map((subtask) => subtask.content.lists[name])
        assert.deepEqual(shares.flat().sort(), [...items].sort(), label)
        if (newParallelism !== parallelism) {
          const counts = shares.map((share) => share.length)
          assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${label}: dealt out evenly`)
        }
      }
      for (const subtask of seen) {
        assert.deepEqual(subtask.content.unions.offsets.sort(), [...content.unions.offsets].sort())
      }
    }
  }
})

test('rows of one key group stay in the order in which they were given', async () => {
  const filesystem = new MemoryFilesystem()
  const storage = new DirectoryCheckpointStorage('/checkpoints/job', filesystem)
  const rows = Array.from({ length: 20_000 }, (_, i) => ({
    keyGroup: i % 2,
    values: [i, null, null, i / 2, true],
  }))
  const content = { tables: { windows: rows }, lists: {}, unions: {} }
  const plan = { content, checkpointId: 1, parallelism: 1, maxParallelism: 2, memoryThreshold: 0 }
  const manifest = await takeCheckpoint(storage, filesystem, plan)
  const [seen] = await restoreCheckpoint(manifest, filesystem, 1, 2)
  for (const group of [0, 1]) {
    const ids = seen.content.tables.windows
      .filter((row) => row.keyGroup === group)
      .map((row) => row.values[0] as number)
    assert.equal(ids.length, 10_000)
    assert.ok(ids.every((id, i) => id === i * 2 + group))
  }
})
