/**
 * What every exactly-once SinkWriter must do, as tests to run against each.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnBatch } from '@millrace/core'
import type { SinkWriter } from '../table-connector.ts'
import { ContextRecord } from './contract-context.ts'

export interface SinkFixture {
  /** A writer of the same subtask; a new one stands for a new attempt. */
  createWriter(record: ContextRecord, checkpointingEnabled: boolean): SinkWriter
  /** A batch of rows that `readVisible` gives back as these texts. */
  batch(texts: readonly string[]): ColumnBatch
  /** What a reader that sees committed rows only sees now, in any order. */
  readVisible(): Promise<string[]>
  dispose(): Promise<void>
}

const visible = async (fixture: SinkFixture) => (await fixture.readVisible()).toSorted()

/** Declares the tests; `open` makes a fresh fixture. */
export function testSinkWriterContract(name: string, open: () => Promise<SinkFixture>): void {
  testCommit(name, open)
  testRestore(name, open)
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
    const second = fixture.createWriter(record, true)
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
    for (let attempt = 0; attempt < 2; attempt++) {
      const next = fixture.createWriter(record, true)
      await next.open(restored)
      next.write(fixture.batch(['lost']))
      await next.prepareCommit(2)
      await next.close()
    }
    assert.deepEqual(await visible(fixture), ['a'])
    await fixture.dispose()
  })
}
