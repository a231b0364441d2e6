/**
 * Timers of any backend against a plain map: what is due at each time, also of very many times,
 * through chains of checkpoints that fail or are restored.
 *
 * Beside `timersContract`, which says each rule by itself.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FrozenTable, StatePart, StateTableSpec, TimerTable, Value } from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { openRestoredState } from '../restore/open-restored-state.ts'
import { writtenBehind } from './changes-since-fuzz.ts'
import { seeded } from './random-state.ts'
import { MAX_PARALLELISM, type RestorableState } from './state-table-fuzz.ts'
import { asTexts, resolved, rowsOfFrozen, write } from './table-steps.ts'
import { rowsAt, TIMED_VALUES, TIMERS } from './timers-contract.ts'

const SEEDS = 4
const WHOLE = { start: 0, end: MAX_PARALLELISM - 1 }

/** Backends that note changes; of several, each restore takes one. */
export function timersFuzz(backend: string, opens: readonly (() => RestorableState)[]): void {
  test(`${backend}: what is due at random times agrees with a plain map, through checkpoints`, async () => {
    let increments = 0
    for (let seed = 1; seed <= SEEDS; seed++) increments += await new Fuzz(seed, opens).run()
    assert.ok(increments > SEEDS, `${increments} checkpoints built upon another`)
  })
}

interface Taken {
  readonly id: number
  readonly parts: readonly StatePart[]
  readonly rows: readonly Value[][]
}

class Fuzz {
  readonly #seed: number
  readonly #random: () => number
  readonly #opens: readonly (() => RestorableState)[]
  readonly #spec: StateTableSpec
  readonly #filesystem = new MemoryFilesystem()
  readonly #keys: number
  readonly #times: number
  readonly #most: number
  #state!: RestorableState
  #table!: TimerTable
  /** By time, by key and value. */
  #model = new Map<number, Map<string, Value[]>>()
  #base: Taken | null = null
  #id = 0
  #increments = 0
  /** Of parts that overlap, tables may count too many entries. */
  #isExact = true

  constructor(seed: number, opens: readonly (() => RestorableState)[]) {
    this.#seed = seed
    this.#random = seeded(seed)
    this.#opens = opens
    this.#spec = seed % 2 === 0 ? TIMED_VALUES : TIMERS
    this.#times = [3, 40, 600, 5000][seed % 4]!
    this.#keys = 30 + this.#below(1000)
    this.#most = seed % 3 === 0 ? 500 : 60
  }

  async run(): Promise<number> {
    this.#use(await this.#restored({ id: 0, parts: [], rows: [] }))
    for (let step = 0; step < 30; step++) {
      const rows = await this.#write(step)
      if (this.#random() < 0.3) await this.#removeSome(rows)
      if (this.#random() < 0.3) this.#fire(step)
      if (this.#random() < 0.25) await this.#checkpoint(rows, step)
    }
    assert.deepEqual(this.#rowsIn(this.#state), asTexts(this.#rows()), `seed ${this.#seed}`)
    for (let n = 0; n < 50 && this.#table.size > 0; n++) this.#fire(n)
    return this.#increments
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound)
  }

  async #write(step: number): Promise<Value[][]> {
    const rows = Array.from({ length: 1 + this.#below(this.#most) }, (): Value[] => [
      this.#random() < 0.05 ? null : BigInt(this.#below(this.#keys)),
      // Of those that are over already some come back.
      (step >> 2) * 10 + this.#below(this.#times) * 10,
      ...(this.#spec === TIMERS ? [] : [this.#random() < 0.1 ? null : `v${this.#below(4)}`]),
    ])
    write(this.#table, await resolved(this.#table, rows), 0, step)
    for (const row of rows) this.#dueWith(row).set(String(row), [...row, step])
    return rows
  }

  async #removeSome(rows: readonly Value[][]): Promise<void> {
    const slots = await resolved(this.#table, rows)
    const gone = new Set(slots.filter(() => this.#random() < 0.5))
    this.#table.remove(Int32Array.from(gone), gone.size)
    rows.forEach((row, i) => {
      const due = this.#dueWith(row)
      // Those that were over have been made anew.
      if (gone.has(slots[i]!)) due.delete(String(row))
      else if (!due.has(String(row))) due.set(String(row), [...row, 0])
    })
  }

  #dueWith(row: readonly Value[]): Map<string, Value[]> {
    const timeMs = row[1] as number
    const due = this.#model.get(timeMs) ?? new Map<string, Value[]>()
    this.#model.set(timeMs, due)
    return due
  }

  /** The first time, or a part of what is due at another. */
  #fire(step: number): void {
    const table = this.#table
    const when = `seed ${this.#seed}, step ${step}`
    const times = [...this.#model].filter(([, due]) => due.size > 0).map(([timeMs]) => timeMs)
    const firstMs = Math.min(Number.POSITIVE_INFINITY, ...times)
    // Of times without entries nothing comes.
    while (!this.#isExact && table.firstMs < firstMs) {
      assert.equal(table.entriesAt(table.firstMs).next().length, 0, when)
      table.removeAt(table.firstMs)
    }
    assert.equal(table.firstMs, firstMs, when)
    if (firstMs === Number.POSITIVE_INFINITY) return
    const timeMs = this.#random() < 0.8 ? firstMs : times[this.#below(times.length)]!
    const parts = [1, 1, 4, 32][this.#below(4)]!
    const due = Array.from({ length: parts }, (_, part) => rowsAt(table, timeMs, part, parts))
    const expected = asTexts([...this.#model.get(timeMs)!.values()])
    assert.deepEqual(due.flat().sort(), expected, when)
    // Somebody begins to read and does not go on.
    if (this.#random() < 0.3) table.entriesAt(timeMs).next()
    table.removeAt(timeMs)
    this.#model.delete(timeMs)
    const entries = this.#rows().length
    assert.ok(this.#isExact ? table.size === entries : table.size >= entries, when)
  }

  async #checkpoint(rows: readonly Value[][], step: number): Promise<void> {
    const base = this.#base
    const id = ++this.#id
    const reading = this.#table.entriesAt(this.#table.firstMs)
    if (this.#random() < 0.5) for (let n = 0; n < 3; n++) reading.next()
    const frozen = this.#state.freeze(id, this.#random() < 0.1 ? null : (base?.id ?? null))
    const isIncrement = frozen.some(({ since }) => since !== null)
    if (isIncrement) this.#increments++
    const held = this.#rows()
    if (this.#random() < 0.5) {
      // It is written while the table goes on.
      await this.#removeSome(rows)
      this.#fire(step)
    }
    const parts = await writtenBehind(this.#filesystem, id, frozen, base?.parts ?? [])
    if (this.#random() < 0.25) return
    this.#base = { id, parts, rows: held }
    const copy = await this.#restored(this.#base)
    const when = `seed ${this.#seed}, step ${step}, checkpoint ${id}, ${isIncrement}`
    assert.deepEqual(this.#rowsIn(copy.state), asTexts(held), when)
    if (this.#random() > 0.2) return
    this.#use(await this.#restored(this.#base))
    this.#isExact = parts.length === 1
    this.#model = new Map()
    for (const row of held) this.#dueWith(row).set(String(row.slice(0, -1)), row)
  }

  #use({ state, table }: { state: RestorableState; table: TimerTable }): void {
    this.#state = state
    this.#table = table
  }

  async #restored({ id, parts }: Taken): Promise<{ state: RestorableState; table: TimerTable }> {
    const state = this.#opens[this.#below(this.#opens.length)]!()
    const table = state.timers(this.#spec)
    const filesystem = this.#filesystem
    const request = { handles: { parts }, checkpointId: id, keyGroupRange: WHOLE, filesystem }
    await state.restore(await openRestoredState(request))
    return { state, table }
  }

  #rows(): Value[][] {
    return [...this.#model.values()].flatMap((due) => [...due.values()])
  }

  #rowsIn(state: RestorableState): string[] {
    const rows = (table: FrozenTable): Value[][] => {
      const all = rowsOfFrozen(table)
      table.release()
      return all
    }
    return asTexts(state.freeze(0, null).flatMap(rows))
  }
}
