/**
 * Checkpoints as chains of what changed, of any backend, against a plain map: with checkpoints that
 * fail, and restores from any by any.
 *
 * Beside `stateTableFuzz`, whose checkpoints are whole.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FrozenTable, StatePart, StateTable, StateTableSpec, Value } from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { openRestoredState } from '../restore/open-restored-state.ts'
import { writeOperatorSnapshot } from '../segment/write-operator-snapshot.ts'
import { testClock } from './checkpoint-writer.ts'
import { seeded } from './random-state.ts'
import { SUMS, SUMS_BY_NAME } from './state-table-contract.ts'
import { compareScan, MAX_PARALLELISM, type RestorableState } from './state-table-fuzz.ts'
import { resolved, rowsOfFrozen } from './table-steps.ts'

const WHOLE = { start: 0, end: MAX_PARALLELISM - 1 }
const SEEDS = 8

interface Checkpoint {
  readonly id: number
  readonly parts: readonly StatePart[]
  readonly model: ReadonlyMap<string, Value[]>
}

/** What `freeze` gave, written behind the parts of what it builds upon. */
export async function writtenBehind(
  filesystem: MemoryFilesystem,
  id: number,
  frozen: readonly FrozenTable[],
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

async function restored(
  spec: StateTableSpec,
  filesystem: MemoryFilesystem,
  open: () => RestorableState,
  { id, parts }: Pick<Checkpoint, 'id' | 'parts'>,
): Promise<{ state: RestorableState; table: StateTable }> {
  const state = open()
  const table = state.table(spec)
  const handles = { parts }
  const request = { handles, checkpointId: id, keyGroupRange: WHOLE, filesystem }
  await state.restore(await openRestoredState(request))
  return { state, table }
}

function rowsIn(state: RestorableState): string[] {
  return state
    .freeze(0, null)
    .flatMap((table) => {
      const rows = rowsOfFrozen(table)
      table.release()
      return rows
    })
    .map(String)
    .sort()
}

/** Backends that note changes; of several, each restore takes one. */
export function changesSinceFuzz(backend: string, opens: readonly (() => RestorableState)[]): void {
  test(`${backend}: chains of random changes, failed checkpoints and restores agree with a plain map`, async () => {
    let increments = 0
    for (let seed = 1; seed <= SEEDS; seed++) increments += await fuzz(seed, opens)
    assert.ok(increments > SEEDS, `${increments} checkpoints built upon another`)
  })
}

/** Gives how many checkpoints built upon another. */
async function fuzz(seed: number, opens: readonly (() => RestorableState)[]): Promise<number> {
  const random = seeded(seed)
  const spec = seed % 2 === 0 ? SUMS_BY_NAME : SUMS
  const filesystem = new MemoryFilesystem()
  const below = (bound: number): number => Math.floor(random() * bound)
  const open = () => (opens[below(opens.length)] as () => RestorableState)()
  let { state, table } = await restored(spec, filesystem, open, { id: 0, parts: [] })
  let model = new Map<string, Value[]>()
  let id = 0
  let increments = 0
  /** The latest that is complete; later ones failed, or nobody knows yet. */
  let base: Checkpoint | null = null
  const keys = seed % 4 === 0 ? 3 : 30 + below(3000)
  const names = seed % 4 === 0 ? 1000 : 2
  const most = random() < 0.5 ? 80 : 800
  for (let step = 0; step < 120; step++) {
    const batch = Array.from({ length: 1 + below(most) }, (): Value[] => [
      random() < 0.05 ? null : BigInt(below(keys)),
      random() < 0.1 ? null : `${'é'.repeat(below(3))}${below(names)}`,
    ])
    if (spec.sub !== null && random() < 0.3) {
      compareScan(table, batch.slice(0, 10), model, random, `seed ${seed}, step ${step}`)
    }
    const slots = await resolved(table, batch)
    table.beforeWrite(slots, slots.length)
    const [total] = table.valueWords as [number]
    batch.forEach((key, i) => {
      table.memory.words[slots[i]! * table.memory.stride + total] = step
      model.set(String(key), [...key, step, null])
    })
    if (random() < 0.4) {
      const gone = new Set(slots.filter(() => random() < 0.6))
      table.remove(Int32Array.from(gone), gone.size)
      batch.forEach((key, i) => {
        if (gone.has(slots[i]!)) model.delete(String(key))
      })
    }
    if (random() < 0.02) {
      table.clear()
      model.clear()
    }
    if (random() > 0.25) continue
    const frozen = state.freeze(++id, random() < 0.1 ? null : (base?.id ?? null))
    if (frozen.some(({ since }) => since !== null)) increments++
    const taken: Checkpoint = { id, parts: [], model: new Map(model) }
    if (random() < 0.5) {
      // It is written while the table goes on.
      const some = await resolved(table, batch)
      table.remove(some, some.length)
      for (const key of batch) model.delete(String(key))
    }
    const parts = await writtenBehind(filesystem, id, frozen, base?.parts ?? [])
    if (random() < 0.25) continue
    base = { ...taken, parts }
    const copy = await restored(spec, filesystem, open, base)
    const expected = [...taken.model.values()].map(String).sort()
    assert.deepEqual(rowsIn(copy.state), expected, `seed ${seed}, step ${step}, checkpoint ${id}`)
    if (random() < 0.2) {
      ;({ state, table } = await restored(spec, filesystem, open, base))
      model = new Map(taken.model)
    }
  }
  return increments
}

/** `open`: a backend whose time is that of `now`. */
export function forgottenSinceContract(
  backend: string,
  open: (now: () => number) => RestorableState,
): void {
  test(`${backend}: what was forgotten when a checkpoint was taken stays so, however long entries live now`, async () => {
    // It is still in the segments that the checkpoint builds upon.
    const filesystem = new MemoryFilesystem()
    const spec = { ...SUMS, ttlMs: 1000 }
    let nowMs = 10_000
    const state = open(() => nowMs)
    const table = state.table(spec)
    const write = async (rows: Value[][]): Promise<void> => {
      const slots = await resolved(table, rows)
      table.beforeWrite(slots, slots.length)
    }
    await write([
      [1n, 'a'],
      [2n, 'b'],
    ])
    const first = await writtenBehind(filesystem, 1, state.freeze(1, null), [])
    nowMs += 1000
    await write([[2n, 'b']])
    const parts = await writtenBehind(filesystem, 2, state.freeze(2, 1), first)
    const longer = open(() => nowMs)
    longer.table({ ...spec, ttlMs: 1_000_000 })
    const handles = { parts }
    const request = { handles, checkpointId: 2, keyGroupRange: WHOLE, filesystem }
    await longer.restore(await openRestoredState(request))
    assert.deepEqual(rowsIn(longer), [`2,b,${nowMs},0,`])
  })
}
