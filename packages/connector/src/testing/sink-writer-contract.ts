/**
 * What every exactly-once SinkWriter must do, as tests to run against each.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnBatch } from '@millrace/core'
import type { SinkWriter } from '../table-connector.ts'
import { ContextRecord } from './contract-context.ts'

export interface SinkFixture {
  /** A writer of the same subtask, run by the attempt of that number. */
  createWriter(record: ContextRecord, checkpointingEnabled: boolean, attempt?: number): SinkWriter
  /** A batch of rows that `readVisible` gives back as these texts. */
  batch(texts: readonly string[]): ColumnBatch
  /** What a reader that sees committed rows only sees now, in any order. */
  readVisible(): Promise<string[]>
  /** Names of what was written and neither committed nor removed. */
  leftovers(): Promise<string[]>
  dispose(): Promise<void>
}

const visible = async (fixture: SinkFixture) => (await fixture.readVisible()).toSorted()

/** Declares the tests; `open` makes a fresh fixture. */
export function testSinkWriterContract(name: string, open: () => Promise<SinkFixture>): void {
  testCommit(name, open)
  testRestore(name, open)
  testZombie(name, open)
}

function testCommit(name: string, open: () => Promise<SinkFixture>): void {
  test(`${name} makes rows visible at commit, not before, and once however often it commits`, async () => {
    const fixture = await open()
    const record = new ContextRecord()
    const writer = fixture.createWriter(record, true)
    await writer.open(null)
    writer.write(fixture.batch(['a', 'b']))
    const first = await writer.prepareCommit(1)
    writer.snapshotState(1)
    writer.write(fixture.batch(['c']))
    assert.deepEqual(await visible(fixture), [])
    await writer.commit(first)
    assert.deepEqual(await visible(fixture), ['a', 'b'])
    await writer.commit(first)
    assert.deepEqual(await visible(fixture), ['a', 'b'])
    const second = await writer.prepareCommit(2)
    await writer.commit(second)
    assert.deepEqual(await visible(fixture), ['a', 'b', 'c'])
    await writer.close()
    assert.deepEqual(record.errors, [])
    await fixture.dispose()
  })

  test(`${name} pre-commits nothing when nothing was written`, async () => {
    const fixture = await open()
    const writer = fixture.createWriter(new ContextRecord(), true)
    await writer.open(null)
    await writer.commit(await writer.prepareCommit(1))
    assert.deepEqual(await visible(fixture), [])
    await writer.close()
    await fixture.dispose()
  })

  test(`${name} makes everything visible at the end when there are no checkpoints`, async () => {
    const fixture = await open()
    const record = new ContextRecord()
    const writer = fixture.createWriter(record, false)
    await writer.open(null)
    writer.write(fixture.batch(['a', 'b']))
    writer.write(fixture.batch(['c']))
    await writer.finish()
    assert.deepEqual(await visible(fixture), ['a', 'b', 'c'])
    await writer.close()
    assert.deepEqual(record.errors, [])
    await fixture.dispose()
  })
}

function testRestore(name: string, open: () => Promise<SinkFixture>): void {
  test(`${name} commits what a restored checkpoint holds and drops what came after it`, async () => {
    const fixture = await open()
    const record = new ContextRecord()
    const first = fixture.createWriter(record, true)
    await first.open(null)
    first.write(fixture.batch(['a']))
    const committables = await first.prepareCommit(1)
    const states = first.snapshotState(1)
    first.write(fixture.batch(['lost']))
    await first.prepareCommit(2)
    first.write(fixture.batch(['lost too']))
    await first.close()
    const second = fixture.createWriter(record, true, 1)
    await second.open({ checkpointId: 1, states, committables })
    assert.deepEqual(await visible(fixture), ['a'])
    second.write(fixture.batch(['b']))
    await second.commit(await second.prepareCommit(3))
    assert.deepEqual(await visible(fixture), ['a', 'b'])
    await second.close()
    assert.deepEqual(record.errors, [])
    await fixture.dispose()
  })

  test(`${name} restores twice from one checkpoint without repeating its rows`, async () => {
    const fixture = await open()
    const record = new ContextRecord()
    const first = fixture.createWriter(record, true)
    await first.open(null)
    first.write(fixture.batch(['a']))
    const committables = await first.prepareCommit(1)
    const restored = { checkpointId: 1, states: first.snapshotState(1), committables }
    await first.close()
    for (const attempt of [1, 2]) {
      const next = fixture.createWriter(record, true, attempt)
      await next.open(restored)
      next.write(fixture.batch(['lost']))
      await next.prepareCommit(2)
      await next.close()
    }
    assert.deepEqual(await visible(fixture), ['a'])
    await fixture.dispose()
  })
}

/**
 * A zombie: an attempt that was replaced and does not know it yet.
 *
 *     attempt 0   a |1|                    checkpoint 1 is what the others start from
 *     attempt 1          (slow) … open, zombie …
 *     attempt 2         b |2| c …
 */
function testZombie(name: string, open: () => Promise<SinkFixture>): void {
  const start = async (fixture: SinkFixture, record: ContextRecord) => {
    const first = fixture.createWriter(record, true, 0)
    await first.open(null)
    first.write(fixture.batch(['a']))
    const committables = await first.prepareCommit(1)
    const restored = { checkpointId: 1, states: first.snapshotState(1), committables }
    await first.close()
    return restored
  }

  test(`${name} that opens late takes nothing away from a newer attempt`, async () => {
    const fixture = await open()
    const record = new ContextRecord()
    const restored = await start(fixture, record)
    const newer = fixture.createWriter(record, true, 2)
    await newer.open(restored)
    newer.write(fixture.batch(['b']))
    const second = await newer.prepareCommit(2)
    newer.write(fixture.batch(['c']))
    const zombie = fixture.createWriter(new ContextRecord(), true, 1)
    await zombie.open(restored)
    zombie.write(fixture.batch(['zombie']))
    await zombie.prepareCommit(2)
    zombie.write(fixture.batch(['zombie']))
    await newer.commit(second)
    await newer.commit(await newer.prepareCommit(3))
    await zombie.close()
    await newer.removeStrays?.()
    assert.deepEqual(await visible(fixture), ['a', 'b', 'c'])
    assert.deepEqual(await fixture.leftovers(), [])
    assert.deepEqual(record.errors, [])
    await newer.close()
    await fixture.dispose()
  })

  test(`${name} removes what an older attempt wrote after it had opened, and nothing else`, async () => {
    const fixture = await open()
    const record = new ContextRecord()
    const restored = await start(fixture, record)
    const zombie = fixture.createWriter(new ContextRecord(), true, 1)
    await zombie.open(restored)
    const newer = fixture.createWriter(record, true, 2)
    await newer.open(restored)
    zombie.write(fixture.batch(['zombie']))
    await zombie.prepareCommit(2)
    zombie.write(fixture.batch(['zombie']))
    await zombie.prepareCommit(3)
    newer.write(fixture.batch(['b']))
    await newer.commit(await newer.prepareCommit(2))
    newer.write(fixture.batch(['c']))
    const third = await newer.prepareCommit(3)
    await newer.removeStrays?.()
    assert.equal((await fixture.leftovers()).length, 1, 'its own third checkpoint')
    await newer.commit(third)
    assert.deepEqual(await fixture.leftovers(), [])
    assert.deepEqual(await visible(fixture), ['a', 'b', 'c'])
    await newer.close()
    await zombie.close()
    assert.deepEqual(record.errors, [])
    await fixture.dispose()
  })
}
