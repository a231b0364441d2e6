/**
 * DiskKeyedState: the keyed state of one operator in one subtask, larger than its memory.
 *
 * `state.backend.type: rocksdb`. Tables are disk tables; those whose entries are due at a time stay
 * in memory. The task makes one an operator, puts what a
 * checkpoint stored before `open`, and freezes it at each barrier.
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
import { type KeyedStateSettings, ResidentKeyedState } from '../table/resident-keyed-state.ts'
import { fitOf } from '../table/table-layout.ts'
import { DiskTable } from './disk-table.ts'
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
  readonly #resident: ResidentKeyedState
  readonly #tables = new Map<string, DiskTable>()
  readonly #openedMs: number

  constructor(settings: DiskStateSettings) {
    this.#settings = settings
    this.#openedMs = settings.nowMs()
    this.#resident = new ResidentKeyedState(settings)
  }

  table(spec: StateTableSpec, options: TableOptions = {}): StateTable {
    const { name } = spec
    if (this.#tables.has(name)) {
      const text = `Name state tables apart: '${name}' is there twice.`
      throw stateError('STATE_SNAPSHOT_INVALID', text)
    }
    const share = this.#settings.memory.join()
    const openedMs = this.#openedMs
    const table = new DiskTable(spec, { ...this.#settings, ...options, openedMs, share })
    this.#tables.set(name, table)
    return table
  }

  timers(spec: StateTableSpec, options: TableOptions = {}): TimerTable {
    return this.#resident.timers(spec, options)
  }

  freeze(checkpointId: number, since: number | null): readonly FrozenTable[] {
    const onDisk = [...this.#tables.values()]
    // All tables build upon it, or none does: what left one that is whole would come back.
    const isKnown = since !== null && onDisk.every((table) => table.knows(since))
    const inMemory = this.#resident.freeze(checkpointId, isKnown ? since : null)
    const from = inMemory.every((table) => table.since === since) && isKnown ? since : null
    return [...onDisk.flatMap((table) => table.freeze(checkpointId, from)), ...inMemory]
  }

  /** As `ResidentKeyedState.restore`. */
  async restore(restored: RestoredOperatorState): Promise<void> {
    await this.#resident.restore(restored)
    for (const [name, table] of this.#tables) {
      const fit = fitOf(table)
      for await (const { rows } of restored.readKeyed(name, fit.schema, fit)) table.put(rows)
      table.trackFrom(restored.checkpointId)
    }
  }

  memoryByTable(): ReadonlyMap<string, number> {
    const onDisk = [...this.#tables].map(([name, table]) => [name, table.memoryBytes] as const)
    return new Map([...onDisk, ...this.#resident.memoryByTable()])
  }

  get reservedBytes(): number {
    let bytes = this.#resident.reservedBytes
    for (const table of this.#tables.values()) bytes += table.reservedBytes
    return bytes
  }

  /** Files and memory go. */
  close(): void {
    for (const table of this.#tables.values()) table.close()
  }
}
