/**
 * The commit protocol, with a writer that keeps a log: what is pre-committed is committed once its
 * checkpoint is complete, and not before.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SinkWriter, TableConnector } from '@millrace/connector'
import { batchOf, type OperatorSnapshot, type Schema } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { createSqlOperatorRegistry } from '../registry/sql-operator-registry.ts'
import { OperatorHarness, restoredState } from '../testing/operator-harness.ts'

const SCHEMA: Schema = { fields: [{ name: 'v', type: { kind: 'INT', nullable: true } }] }
const encode = (text: string) => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

class LoggingWriter implements SinkWriter {
  readonly log: string[] = []
  available = true
  failCommits = 0
  sharesStates = false
  #rows = 0
  async open(restored: Parameters<SinkWriter['open']>[0]): Promise<void> {
    if (restored === null) this.log.push('open')
    else {
      const text = (items: readonly Uint8Array[]) => items.map(decode).join(' ')
      this.log.push(`open ${restored.checkpointId} commit ${text(restored.committables)}`)
      this.log.push(`states ${text(restored.states)}`)
    }
  }
  write(batch: { rowCount: number }): void {
    this.#rows += batch.rowCount
  }
  isAvailable(): boolean {
    return this.available
  }
  async prepareCommit(id: number): Promise<Uint8Array[]> {
    const rows = this.#rows
    this.#rows = 0
    return rows === 0 ? [] : [encode(`txn-${id}:${rows}`)]
  }
  snapshotState(id: number): Uint8Array[] {
    return [encode(`state-${id}`)]
  }
  async commit(committables: readonly Uint8Array[]): Promise<void> {
    if (this.failCommits-- > 0) throw new Error('broker away')
    this.log.push(`commit ${committables.map(decode).join(' ')}`)
  }
  async finish(): Promise<void> {
    this.log.push(`finish ${this.#rows}`)
  }
  async abandon(committables: readonly Uint8Array[]): Promise<void> {
    this.log.push(`abandon ${[...committables.map(decode), this.#rows].join(' ')}`)
  }
  looks = 0
  async removeStrays(): Promise<void> {
    this.looks++
  }
  close(): void {
    this.log.push('close')
  }
}

interface Opened {
  readonly snapshots?: OperatorSnapshot[]
  readonly checkpointingEnabled?: boolean
  /** Of how many subtasks it is which. */
  readonly subtask?: readonly [number, number]
}

function open(options: Opened = {}) {
  const [index, parallelism] = options.subtask ?? [0, 1]
  const writer = new LoggingWriter()
  const connector: TableConnector = {
    name: 'log',
    options: [],
    optionPrefixes: [],
    sink: {
      plan: () => ({ config: null, accepts: 'retract' }),
      createWriter: () => writer,
    },
  }
  const registry = createSqlOperatorRegistry({
    connectors: new Map([['log', connector]]),
    formats: new Map(),
    platform: { clock: { monotonicMs: () => 0 } } as unknown as Platform,
  })
  const harness = new OperatorHarness({
    factory: registry.get('table-sink')!.create,
    config: { connector: 'log', tableName: 't', config: null, schema: SCHEMA },
    outputSchema: SCHEMA,
    restored:
      options.snapshots === undefined ? null : restoredState(options.snapshots, index, parallelism),
    checkpointingEnabled: options.checkpointingEnabled ?? true,
  })
  return { writer, harness }
}
const rows = (count: number) =>
  batchOf(
    SCHEMA,
    Array.from({ length: count }, (_, i) => [i]),
  )

test('rows are committed when the checkpoint behind them is complete', async () => {
  const { writer, harness } = open()
  await harness.open()
  harness.operator.processBatch(0, rows(3))
  await harness.checkpoint(1)
  harness.operator.processBatch(0, rows(2))
  assert.deepEqual(writer.log, ['open'])
  await harness.operator.notifyCheckpointComplete!(1)
  assert.deepEqual(writer.log, ['open', 'commit txn-1:3'])
})

test('the writer looks for strays after a complete checkpoint and at the end, not before', async () => {
  const { writer, harness } = open()
  await harness.open()
  harness.operator.processBatch(0, rows(3))
  await harness.checkpoint(1)
  assert.equal(writer.looks, 0)
  await harness.operator.notifyCheckpointComplete!(1)
  assert.equal(writer.looks, 1)
  await harness.operator.finish!({ kind: 'checkpoint' })
  assert.equal(writer.looks, 2)
})

test('what an aborted checkpoint pre-committed goes with the next complete one, in order', async () => {
  const { writer, harness } = open()
  await harness.open()
  for (const id of [1, 2, 3]) {
    harness.operator.processBatch(0, rows(id))
    await harness.checkpoint(id)
  }
  harness.operator.notifyCheckpointAborted?.(1)
  await harness.operator.notifyCheckpointComplete!(2)
  assert.deepEqual(writer.log, ['open', 'commit txn-1:1', 'commit txn-2:2'])
})

test('a snapshot holds every pre-commit that is not committed yet; a restore hands them all to the writer, oldest first', async () => {
  const { harness } = open()
  await harness.open()
  let snapshot: OperatorSnapshot = {}
  for (const id of [9, 10, 11]) {
    harness.operator.processBatch(0, rows(1))
    snapshot = await harness.checkpoint(id)
  }
  const restored = open({ snapshots: [snapshot] })
  await restored.harness.open()
  assert.deepEqual(restored.writer.log, [
    'open 1 commit txn-9:1 txn-10:1 txn-11:1',
    'states state-11',
  ])
})

test('a commit that failed is still in the next snapshot', async () => {
  const { writer, harness } = open()
  await harness.open()
  harness.operator.processBatch(0, rows(1))
  await harness.checkpoint(1)
  writer.failCommits = 1
  await assert.rejects(async () => harness.operator.notifyCheckpointComplete!(1), /broker away/)
  const snapshot = await harness.checkpoint(2)
  assert.equal(snapshot.list!.committables!.length, 1)
})

test('without checkpoints the end of the input makes rows visible', async () => {
  const { writer, harness } = open({ checkpointingEnabled: false })
  await harness.open()
  harness.operator.processBatch(0, rows(4))
  await harness.operator.finish!({ kind: 'end-of-input' })
  assert.deepEqual(writer.log, ['open', 'finish 4'])
})

test('behind an earlier checkpoint nothing is committed but what is in it', async () => {
  const { writer, harness } = open()
  await harness.open()
  harness.operator.processBatch(0, rows(3))
  await harness.checkpoint(1)
  harness.operator.processBatch(0, rows(2))
  await harness.checkpoint(2)
  harness.operator.processBatch(0, rows(1))
  await harness.operator.finish!({ kind: 'earlier-checkpoint', checkpointId: 1 })
  assert.deepEqual(writer.log, ['open', 'commit txn-1:3', 'abandon txn-2:2 1'])
})

test('at the end of input what a savepoint pre-committed goes with the rest', async () => {
  const { writer, harness } = open({ checkpointingEnabled: false })
  await harness.open()
  harness.operator.processBatch(0, rows(3))
  await harness.checkpoint(1)
  harness.operator.processBatch(0, rows(2))
  await harness.operator.finish!({ kind: 'end-of-input' })
  assert.deepEqual(writer.log, ['open', 'commit txn-1:3', 'finish 2'])
})

test('a full writer blocks the operator', async () => {
  const { writer, harness } = open()
  await harness.open()
  writer.available = false
  assert.equal(harness.operator.isBlocked!(), true)
  writer.available = true
  assert.equal(harness.operator.isBlocked!(), false)
})

test('after a scale-up every writer has the states of all if the connector wants that, else one has each', async () => {
  // Cause: a Kafka writer that was added knew nothing of the job whose checkpoint it started from,
  // and took that job's pre-committed transaction for a rival's.
  for (const shares of [true, false]) {
    const { writer, harness } = open()
    writer.sharesStates = shares
    await harness.open()
    const snapshots = [await harness.checkpoint(2)]
    const logs: string[][] = []
    for (const index of [0, 1]) {
      const added = open({ snapshots, subtask: [index, 2] })
      await added.harness.open()
      logs.push(added.writer.log.filter((line) => line.startsWith('states')))
    }
    assert.deepEqual(logs, [['states state-2'], [shares ? 'states state-2' : 'states ']])
  }
})
