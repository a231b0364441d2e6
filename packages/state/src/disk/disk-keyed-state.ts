/**
 * DiskKeyedState: the keyed state of one operator in one subtask, larger than its memory.
 *
 * `state.backend.type: rocksdb`. The task makes one an operator, puts what a checkpoint stored
 * before `open`, and freezes it at each barrier.
 */
import type {
  FrozenTable,
  KeyedState,
  RestoredOperatorState,
  StateTable,
  StateTableSpec,
  TableOptions,
  TimerTable,
} from '@millrace/core'
import type { TemporaryFiles } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import { assertDue, type KeyedStateSettings } from '../table/resident-keyed-state.ts'
import { fitOf } from '../table/table-layout.ts'
import type { DiskSettings } from './disk-settings.ts'
import { DiskTable } from './disk-table.ts'
import { DiskTimers } from './disk-timers.ts'
import type { StateMemory } from './state-memory.ts'

export interface DiskStateSettings extends KeyedStateSettings {
  readonly files: TemporaryFiles
  /** Of the files; made when it is missing. */
  readonly directory: string
  readonly memory: StateMemory
  /** Calls `step` again and again between other work of the subtask, until it gives false. */
  readonly background: (step: () => boolean) => void
}

export class DiskKeyedState implements KeyedState {
  readonly #settings: DiskStateSettings
  readonly #tables = new Map<string, DiskTable>()
  readonly #openedMs: number

  constructor(settings: DiskStateSettings) {
    this.#settings = settings
    this.#openedMs = settings.nowMs()
  }

  table(spec: StateTableSpec, options: TableOptions = {}): StateTable {
    return this.#add(spec, options, (settings) => new DiskTable(spec, settings))
  }

  timers(spec: StateTableSpec, options: TableOptions = {}): TimerTable {
    assertDue(spec)
    return this.#add(spec, options, (settings) => new DiskTimers(spec, settings))
  }

  freeze(checkpointId: number, since: number | null): readonly FrozenTable[] {
    const tables = [...this.#tables.values()]
    // All tables build upon it, or none does: what left one that is whole would come back.
    const isKnown = since !== null && tables.every((table) => table.knows(since))
    return tables.flatMap((table) => table.freeze(checkpointId, isKnown ? since : null))
  }

  /** As `ResidentKeyedState.restore`. */
  async restore(restored: RestoredOperatorState): Promise<void> {
    for (const [name, table] of this.#tables) {
      const fit = fitOf(table)
      for await (const { rows } of restored.readKeyed(name, fit.schema, fit)) table.put(rows)
      table.trackFrom(restored.checkpointId)
    }
  }

  memoryByTable(): ReadonlyMap<string, number> {
    return new Map([...this.#tables].map(([name, table]) => [name, table.memoryBytes]))
  }

  get reservedBytes(): number {
    let bytes = 0
    for (const table of this.#tables.values()) bytes += table.reservedBytes
    return bytes
  }

  /** Files and memory go. */
  close(): void {
    for (const table of this.#tables.values()) table.close()
  }

  #add<T extends DiskTable>(
    { name }: StateTableSpec,
    options: TableOptions,
    make: (settings: DiskSettings) => T,
  ): T {
    if (this.#tables.has(name)) {
      const text = `Name state tables apart: '${name}' is there twice.`
      throw stateError('STATE_SNAPSHOT_INVALID', text)
    }
    const share = this.#settings.memory.join()
    const table = make({ ...this.#settings, ...options, openedMs: this.#openedMs, share })
    this.#tables.set(name, table)
    return table
  }
}
