/**
 * What every SourceReader must do, as tests to run against each.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReaderOutput, SourceReader, SourceSplit } from '../table-connector.ts'
import { rowsOfBatch } from './batch-rows.ts'
import { ContextRecord } from './contract-context.ts'

export interface SourceFixture {
  readonly splits: readonly SourceSplit[]
  /** The rows of each split in order, by split id. */
  readonly expected: ReadonlyMap<string, readonly unknown[][]>
  createReader(record: ContextRecord): SourceReader
  dispose(): Promise<void>
}

class CollectingOutput implements ReaderOutput {
  readonly rows = new Map<string, unknown[][]>()
  readonly finished: string[] = []
  emitted = 0

  emit(splitId: string, batch: Parameters<ReaderOutput['emit']>[1]): void {
    this.emitted++
    const rows = this.rows.get(splitId) ?? []
    rows.push(...rowsOfBatch(batch))
    this.rows.set(splitId, rows)
  }

  splitCaughtUpEmpty(): void {}

  splitFinished(splitId: string): void {
    this.finished.push(splitId)
  }
}

/** Polls until the input ends or `batchesMax` more batches came; fails after ten seconds. */
async function drain(
  reader: SourceReader,
  output: CollectingOutput,
  record: ContextRecord,
  batchesMax = Number.POSITIVE_INFINITY,
): Promise<'ended' | 'paused'> {
  const stop = output.emitted + batchesMax
  for (let idle = 0; idle < 2000; ) {
    if (record.errors.length > 0) throw record.errors[0]
    if (output.emitted >= stop) return 'paused'
    const result = reader.poll(output)
    if (result === 'end-of-input') return 'ended'
    if (result === 'empty') {
      idle++
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  throw new Error('the reader delivers nothing and does not end')
}

function assertRows(fixture: SourceFixture, output: CollectingOutput): void {
  for (const [id, rows] of fixture.expected) {
    assert.deepEqual(output.rows.get(id) ?? [], rows, `rows of split ${id}`)
  }
}

/**
 * Declares the tests; `open` makes a fresh fixture whose splits end by themselves and give
 * several batches.
 */
export function testSourceReaderContract(name: string, open: () => Promise<SourceFixture>): void {
  test(`${name} delivers every row of its splits once, in order, and then ends`, async () => {
    const fixture = await open()
    const record = new ContextRecord()
    const reader = fixture.createReader(record)
    await reader.start()
    const output = new CollectingOutput()
    reader.addSplits(fixture.splits)
    reader.noMoreSplits()
    assert.equal(await drain(reader, output, record), 'ended')
    assertRows(fixture, output)
    assert.deepEqual(output.finished.toSorted(), fixture.splits.map(({ id }) => id).toSorted())
    assert.deepEqual(reader.snapshot(1), [])
    await reader.close()
    await fixture.dispose()
  })

  test(`${name} goes on exactly where any snapshot says`, async () => {
    for (let batches = 0; ; batches++) {
      const fixture = await open()
      const record = new ContextRecord()
      const output = new CollectingOutput()
      const first = fixture.createReader(record)
      await first.start()
      first.addSplits(fixture.splits)
      first.noMoreSplits()
      const state = batches === 0 ? 'paused' : await drain(first, output, record, batches)
      const snapshot = JSON.parse(JSON.stringify(first.snapshot(1))) as SourceSplit[]
      await first.close()
      const second = fixture.createReader(record)
      await second.start()
      second.addSplits(snapshot)
      second.noMoreSplits()
      await drain(second, output, record)
      assertRows(fixture, output)
      await second.close()
      await fixture.dispose()
      if (state === 'ended') return
    }
  })

  test(`${name} ends only after it was told that no splits will come`, async () => {
    const fixture = await open()
    const record = new ContextRecord()
    const reader = fixture.createReader(record)
    await reader.start()
    assert.equal(reader.poll(new CollectingOutput()), 'empty')
    reader.noMoreSplits()
    assert.equal(reader.poll(new CollectingOutput()), 'end-of-input')
    await reader.close()
    await fixture.dispose()
  })

  test(`${name} emits nothing after close`, async () => {
    const fixture = await open()
    const record = new ContextRecord()
    const reader = fixture.createReader(record)
    await reader.start()
    reader.addSplits(fixture.splits)
    const output = new CollectingOutput()
    await drain(reader, output, record, 1)
    await reader.close()
    const emitted = output.emitted
    for (let i = 0; i < 3; i++) {
      assert.notEqual(reader.poll(output), 'more')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    assert.equal(output.emitted, emitted)
    assert.deepEqual(record.errors, [])
    await fixture.dispose()
  })
}
