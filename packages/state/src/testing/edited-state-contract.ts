/** What every backend must do with state of a table that has changed since it was stored. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batchOf,
  type Field,
  hashRows,
  type KeyedState,
  keyGroupOf,
  keyGroupRangeOf,
  type LogicalType,
  type RestoredOperatorState,
  type StateTableSpec,
  type Value,
} from '@millrace/core'

import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'

import { openRestoredState } from '../restore/open-restored-state.ts'
import { writeOperatorSnapshot } from '../segment/write-operator-snapshot.ts'
import { testClock } from './checkpoint-writer.ts'
import { asTexts, resolved, rowsOfFrozen } from './table-steps.ts'

const WHOLE = { start: 0, end: 15 }
const DOUBLE: LogicalType = { kind: 'DOUBLE', nullable: false }
const LONG: LogicalType = { kind: 'BIGINT', nullable: false }
const INT: LogicalType = { kind: 'INT', nullable: true }
const BIGINT: LogicalType = { kind: 'BIGINT', nullable: true }
const COUNT: Field = { name: 'COUNT(*)', type: DOUBLE }
const sum = (name: string, holds: LogicalType): Field => {
  return { name, type: holds.kind === 'BIGINT' ? LONG : DOUBLE, holds }
}

interface Restorable extends KeyedState {
  restore(restored: RestoredOperatorState): Promise<void>
}

function groups(value: readonly Field[], more: Partial<StateTableSpec> = {}): StateTableSpec {
  const key = { fields: [{ name: 'k', type: INT }] }
  return { name: 'groups', key, sub: null, value: { fields: value }, ttlMs: 0, ...more }
}

/** Stored rows as one of so many subtasks reads them, whose keys lie elsewhere now. */
type Subtask = readonly [subtask: number, parallelism: number]

/** Entry k of `of` has k + column in each column of its value. */
async function written(
  state: KeyedState,
  of: StateTableSpec,
  keys: readonly Value[][],
  reader?: Subtask,
) {
  const table = state.table(of)
  const slots = await resolved(table, keys)
  table.beforeWrite(slots, slots.length)
  const { words, longs, stride } = table.memory
  slots.forEach((slot, i) => {
    of.value.fields.forEach(({ type }, c) => {
      const at = slot * stride + table.valueWords[c]!
      if (type.kind === 'BIGINT') longs[at] = BigInt(i + c)
      else words[at] = i + c
    })
  })
  const filesystem = new MemoryFilesystem()
  const { parts } = await writeOperatorSnapshot(
    { keyed: state.freeze(1, null) },
    {
      ...{ directory: '/c', checkpointId: 1, operatorId: 'op', subtaskIndex: 0, attempt: 0 },
      ...{ keyGroupRange: WHOLE, memoryThreshold: 200, filesystem, clock: testClock },
    },
  )
  const groups = WHOLE.end + 1
  const handles = reader === undefined ? { parts } : { parts, rekeyedAmong: groups }
  const keyGroupRange = reader === undefined ? WHOLE : keyGroupRangeOf(...reader, groups)
  return openRestoredState({ handles, checkpointId: 1, keyGroupRange, filesystem })
}

function rowsIn(state: KeyedState): string[] {
  return asTexts(
    state.freeze(2, null).flatMap((table) => {
      const rows = rowsOfFrozen(table)
      table.release()
      return rows
    }),
  )
}

const KEYS: Value[][] = [[0], [1], [2]]

/** What a table `now` holds of what one `before` stored. */
function restoredWith(open: () => Restorable) {
  return async (
    before: StateTableSpec,
    now: StateTableSpec,
    rows: Value[][] = KEYS,
    defaults?: Float64Array,
  ) => {
    const stored = await written(open(), before, rows)
    const state = open()
    state.table(now, defaults === undefined ? {} : { defaults })
    await state.restore(stored)
    return rowsIn(state)
  }
}

export function editedStateContract(backend: string, open: () => Restorable): void {
  const restored = restoredWith(open)

  test(`${backend}: state of a table whose columns moved, came and went goes by their names`, async () => {
    const before = groups([COUNT, sum('A', INT), sum('B', INT), sum('C', BIGINT)])
    const now = groups([sum('C', BIGINT), sum('NEW', INT), COUNT, sum('B', INT)])
    const defaults = Float64Array.of(0, 99, 0, 0)
    assert.deepEqual(await restored(before, now, KEYS, defaults), [
      '0,3,99,0,2',
      '1,4,99,1,3',
      '2,5,99,2,4',
    ])
  })

  test(`${backend}: a sum of INTs goes on as one of BIGINTs, and a value that is none as none`, async () => {
    const now = groups([COUNT, sum('A', BIGINT)])
    const empty = Float64Array.from([0, 0])
    new BigInt64Array(empty.buffer)[1] = -7n
    assert.deepEqual(await restored(groups([COUNT, sum('A', INT)]), now, KEYS, empty), [
      '0,0,1',
      '1,1,2',
      '2,2,3',
    ])
  })

  test(`${backend}: values that were INTs are in order as BIGINTs`, async () => {
    const of = (type: LogicalType) =>
      groups([COUNT], {
        name: 'values',
        sub: { columns: { fields: [{ name: '$value', type }] }, ordered: true },
      })
    const rows: Value[][] = [
      [1, 9],
      [1, -3],
    ]
    assert.deepEqual(await restored(of(INT), of(BIGINT), rows), ['1,-3,1', '1,9,0'])
  })

  test(`${backend}: a time to live that is new begins with the restore; one that went is nothing`, async () => {
    const ttl = groups([COUNT], { ttlMs: 1000 })
    const opened = 5
    assert.deepEqual(await restored(groups([COUNT]), ttl, [[7]]), [`7,${opened},0`])
    assert.deepEqual(await restored(ttl, groups([COUNT]), [[7]]), ['7,0'])
  })

  test(`${backend}: a key column under another name is the same key`, async () => {
    const now = (value: readonly Field[]) =>
      groups(value, { key: { fields: [{ name: 'alias', type: INT }] } })
    assert.deepEqual(await restored(groups([COUNT]), now([COUNT]), [[7]]), ['7,0'])
    const [both, one] = [[COUNT, sum('A', INT)], [sum('A', INT)]]
    assert.deepEqual(await restored(groups(both), now(one), [[7]]), ['7,1'])
  })

  widerKeyContract(backend, open)

  test(`${backend}: a narrower type and another key are refused with both schemas`, async () => {
    for (const [before, now] of [
      [groups([sum('A', BIGINT)]), groups([sum('A', INT)])],
      [groups([COUNT]), groups([COUNT], { key: { fields: [{ name: 'k', type: BIGINT }] } })],
    ] as const) {
      await assert.rejects(restored(before, now), (error: { code: string; message: string }) => {
        assert.equal(error.code, 'STATE_SCHEMA_MISMATCH')
        assert.match(error.message, /stored .*\| now\n/)
        assert.match(error.message, /\n> /)
        return true
      })
    }
  })
}

function widerKeyContract(backend: string, open: () => Restorable): void {
  test(`${backend}: keys that became wider lie where the same keys lie from now on`, async () => {
    const keyed = (type: LogicalType) => ({ key: { fields: [{ name: 'k', type }] } })
    const sub = { columns: { fields: [{ name: '$value', type: INT }] }, ordered: true }
    const due = {
      columns: { fields: [{ name: '$time', type: DOUBLE }] },
      ordered: true,
      due: { keptMs: 0 },
    }
    const numbers: Value[] = Array.from({ length: 200 }, (_, i) => 3 * (i - 100))
    for (const more of [{}, { sub }, { sub: due }]) {
      const rows = [...numbers, null].map((k, i) => ('sub' in more ? [k, i % 7] : [k]))
      const seen: string[] = []
      for (const subtask of [0, 1, 2]) {
        const [before, now] = [INT, BIGINT].map((type) =>
          groups([COUNT], { ...more, ...keyed(type) }),
        ) as [StateTableSpec, StateTableSpec]
        const state = open()
        const opened = more.sub === due ? state.timers(now) : state.table(now)
        assert.equal(opened.size, 0)
        await state.restore(await written(open(), before, rows, [subtask, 3]))
        const own = rowsIn(state)
        assert.ok(own.length > 30, `${own.length} rows`)
        for (const text of own) {
          const key = text.split(',')[0] as string
          const batch = batchOf(now.key, [[key === 'null' ? null : BigInt(key)]])
          const hashes = new Int32Array(1)
          hashRows(batch, [0], hashes)
          const { start, end } = keyGroupRangeOf(subtask, 3, WHOLE.end + 1)
          const group = keyGroupOf(hashes[0] as number, WHOLE.end + 1)
          assert.ok(group >= start && group <= end, text)
        }
        seen.push(...own)
      }
      const expected = rows.map((row, i) => [...row, i].map(String).join(','))
      assert.deepEqual(seen.sort(), expected.sort())
    }
  })

  test(`${backend}: a column that may be NULL no more keeps its rows, unless one is NULL`, async () => {
    const never = { key: { fields: [{ name: 'k', type: { ...INT, nullable: false } }] } }
    const restored = restoredWith(open)
    assert.deepEqual(await restored(groups([COUNT]), groups([COUNT], never)), ['0,0', '1,1', '2,2'])
    await assert.rejects(restored(groups([COUNT]), groups([COUNT], never), [[1], [null]]), {
      code: 'STATE_SCHEMA_MISMATCH',
      message: /a stored row is NULL in 'k' INT NOT NULL, which may be NULL no more/,
    })
  })
}
