/**
 * Checkpoints of tables that hold what changed since an earlier one: as a chain of segments they
 * restore to what was there, and they are as large as the change.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Column,
  Int64Column,
  type StatePart,
  type StateTableSpec,
  type Value,
} from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { openRestoredState } from '../restore/open-restored-state.ts'
import { writeOperatorSnapshot } from '../segment/write-operator-snapshot.ts'
import { testClock } from '../testing/checkpoint-writer.ts'
import { seeded } from '../testing/random-state.ts'
import { SUMS } from '../testing/state-table-contract.ts'
import { resolved, rowsOfFrozen } from '../testing/table-steps.ts'
import { ResidentKeyedState } from './resident-keyed-state.ts'

const MAX_PARALLELISM = 16
const WHOLE = { start: 0, end: MAX_PARALLELISM - 1 }
const open = () =>
  new ResidentKeyedState({ maxParallelism: MAX_PARALLELISM, nowMs: () => 5, tracksChanges: true })
/** Of one life of checkpoints. */
let filesystem = new MemoryFilesystem()

interface Checkpoint {
  readonly id: number
  readonly parts: readonly StatePart[]
  readonly model: ReadonlyMap<string, Value[]>
}

/** What `freeze` gave, written behind the parts of what it builds upon. */
async function written(
  id: number,
  frozen: ReturnType<ResidentKeyedState['freeze']>,
  base: readonly StatePart[],
): Promise<readonly StatePart[]> {
  const { parts } = await writeOperatorSnapshot(
    { keyed: frozen },
    {
      ...{ directory: '/c', checkpointId: id, operatorId: 'op', subtaskIndex: 0, attempt: 0 },
      ...{ isShared: true, keyGroupRange: WHOLE, memoryThreshold: 200, filesystem },
      clock: testClock,
    },
  )
  return frozen.some(({ since }) => since !== null) ? [...base, ...parts] : parts
}

async function restored(id: number, parts: readonly StatePart[]) {
  const state = open()
  const table = state.table(SUMS)
  await state.restore(
    await openRestoredState({
      handles: { parts },
      checkpointId: id,
      keyGroupRange: WHOLE,
      filesystem,
    }),
  )
  return { state, table }
}

const rowsIn = (state: ResidentKeyedState): string[] =>
  state
    .freeze(0, null)
    .flatMap((table) => {
      const rows = rowsOfFrozen(table)
      table.release()
      return rows
    })
    .map(String)
    .sort()

test('chains of random changes, with checkpoints that fail and restores from any, agree with a plain map', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = seeded(seed)
    filesystem = new MemoryFilesystem()
    const below = (bound: number): number => Math.floor(random() * bound)
    let { state, table } = await restored(0, [])
    let model = new Map<string, Value[]>()
    let id = 0
    /** The latest that is complete; later ones failed, or nobody knows yet. */
    let base: Checkpoint | null = null
    const keys = 30 + below(3000)
    for (let step = 0; step < 120; step++) {
      const batch = Array.from({ length: 1 + below(80) }, (): Value[] => [
        random() < 0.05 ? null : BigInt(below(keys)),
        random() < 0.1 ? null : `${'é'.repeat(below(3))}${below(2)}`,
      ])
      const slots = await resolved(table, batch)
      table.beforeWrite(slots, slots.length)
      const [total] = table.valueWords as [number]
      batch.forEach((key, i) => {
        table.memory.words[slots[i]! * table.memory.stride + total] = step
        model.set(String(key), [...key, step, null])
      })
      if (random() < 0.4) {
        const gone = slots.filter(() => random() < 0.6)
        table.remove(gone, gone.length)
        batch.forEach((key, i) => {
          if (gone.includes(slots[i]!)) model.delete(String(key))
        })
      }
      if (random() < 0.02) {
        table.clear()
        model.clear()
      }
      if (random() > 0.25) continue
      const frozen = state.freeze(++id, random() < 0.1 ? null : (base?.id ?? null))
      const taken: Checkpoint = { id, parts: [], model: new Map(model) }
      if (random() < 0.5) {
        // It is written while the table goes on.
        const some = await resolved(table, batch)
        table.remove(some, some.length)
        for (const key of batch) model.delete(String(key))
      }
      const parts = await written(id, frozen, base?.parts ?? [])
      if (random() < 0.25) continue
      base = { ...taken, parts }
      const { state: copy } = await restored(id, parts)
      const expected = [...taken.model.values()].map(String).sort()
      assert.deepEqual(rowsIn(copy), expected, `seed ${seed}, step ${step}, checkpoint ${id}`)
      if (random() < 0.2) {
        ;({ state, table } = await restored(id, parts))
        model = new Map(taken.model)
      }
    }
  }
})

/** A BIGINT key with a count and a sum, as GROUP BY has it. */
const GROUPS: StateTableSpec = {
  name: 'groups',
  key: { fields: [{ name: 'k', type: { kind: 'BIGINT', nullable: true } }] },
  sub: null,
  value: {
    fields: [
      { name: 'n', type: { kind: 'DOUBLE', nullable: false } },
      { name: 's', type: { kind: 'BIGINT', nullable: false } },
    ],
  },
  ttlMs: 0,
}

test('a checkpoint of 1 % of the keys, anywhere in the table, writes less than 3 % of it', async () => {
  filesystem = new MemoryFilesystem()
  const state = open()
  const table = state.table(GROUPS)
  const slots = new Int32Array(2048)
  const touch = (keyOf: (i: number) => number): void => {
    const keys = BigInt64Array.from({ length: 2048 }, (_, i) => BigInt(keyOf(i)))
    const columns: Column[] = [new Int64Column(keys, null)]
    table.resolve(columns, 2048, slots)
    table.beforeWrite(slots, 2048)
  }
  const batches = 150
  for (let n = 0; n < batches; n++) touch((i) => n * 2048 + i)
  const all = await written(1, state.freeze(1, null), [])
  const random = seeded(1)
  const most = batches * 2048
  for (let n = 0; n < batches / 100; n++) touch(() => Math.floor(random() * most))
  const frozen = state.freeze(2, 1)
  const changed = await written(2, frozen, [])
  const size = (parts: readonly StatePart[]) => parts[0]!.handle.size
  const share = size(changed) / size(all)
  assert.ok(share > 0.005 && share < 0.03, `${share} of ${size(all)} bytes`)
})

test('what was forgotten when a checkpoint was taken stays so, however long entries live now', async () => {
  // It is still in the segments that the checkpoint builds upon.
  filesystem = new MemoryFilesystem()
  const base = { maxParallelism: MAX_PARALLELISM, tracksChanges: true }
  const spec = { ...SUMS, ttlMs: 1000 }
  let nowMs = 10_000
  const state = new ResidentKeyedState({ ...base, nowMs: () => nowMs })
  const table = state.table(spec)
  const write = async (rows: Value[][]) => {
    const slots = await resolved(table, rows)
    table.beforeWrite(slots, slots.length)
  }
  await write([
    [1n, 'a'],
    [2n, 'b'],
  ])
  const first = await written(1, state.freeze(1, null), [])
  nowMs += 1000
  await write([[2n, 'b']])
  const parts = await written(2, state.freeze(2, 1), first)
  const longer = new ResidentKeyedState({ ...base, nowMs: () => nowMs })
  longer.table({ ...spec, ttlMs: 1_000_000 })
  const handles = { parts }
  const request = { handles, checkpointId: 2, keyGroupRange: WHOLE, filesystem }
  await longer.restore(await openRestoredState(request))
  assert.deepEqual(rowsIn(longer), [`2,b,${nowMs},0,`])
})

test('an entry that comes and goes between two checkpoints is in neither', async () => {
  const state = open()
  const table = state.table(SUMS)
  for (const each of state.freeze(1, null)) each.release()
  const slots = await resolved(table, [
    [1n, 'a'],
    [2n, 'b'],
  ])
  table.remove(slots, 1)
  const frozen = state.freeze(2, 1)
  assert.deepEqual(
    frozen.map(({ removed = false, since }) => ({ removed, since })),
    [{ removed: false, since: 1 }],
  )
  assert.deepEqual(frozen.flatMap(rowsOfFrozen).map(String), ['2,b,0,'])
  const [slot] = await resolved(table, [[2n, 'b']])
  table.remove(Int32Array.of(slot!), 1)
  const [keys, rest] = state.freeze(3, 2)
  assert.equal(keys?.removed, true)
  assert.deepEqual(rowsOfFrozen(keys!).map(String), ['2,b'])
  assert.deepEqual(rowsOfFrozen(rest!), [])
})

test('what an earlier checkpoint has that is not known any more is written whole', async () => {
  const state = open()
  await resolved(state.table(SUMS), [[1n, 'a']])
  for (let id = 1; id < 12; id++) for (const each of state.freeze(id, null)) each.release()
  for (const since of [3, 99]) {
    const frozen = state.freeze(20 + since, since)
    assert.deepEqual(
      frozen.map((table) => table.since),
      [null],
    )
    assert.equal(frozen.flatMap(rowsOfFrozen).length, 1)
  }
  assert.equal(state.freeze(200, 1)[0]?.since, 1)
})
