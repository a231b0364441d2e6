/**
 * ResidentKeyedState: the keyed state of one operator in one subtask, all in memory.
 *
 * The task makes one an operator, puts what a checkpoint stored before `open`, and freezes it
 * at each barrier.
 */
import type {
  FrozenTable,
  KeyedState,
  RestoredOperatorState,
  StateTableSpec,
  TableOptions,
} from '@millrace/core'
import { stateError } from '../error-codes.ts'
import { ExpiringTable } from './expiring-table.ts'
import { ResidentTable } from './resident-table.ts'
import { ResidentTimers } from './resident-timers.ts'
import { fitOf } from './table-layout.ts'

export interface KeyedStateSettings {
  readonly maxParallelism: number
  /** Processing time by which entries are forgotten: never goes back (`steadyTime`). */
  readonly nowMs: () => number
  /** Whether checkpoints may build upon earlier ones; without, nothing is noted of changes. */
  readonly tracksChanges?: boolean
}

/** Throws when entries of the table are due at no time. */
export function assertDue({ name, sub }: StateTableSpec): void {
  if (sub?.due !== undefined) return
  const text = `Declare '${name}' as a table whose entries are due at a time.`
  throw stateError('STATE_SNAPSHOT_INVALID', text)
}

export class ResidentKeyedState implements KeyedState {
  readonly #settings: KeyedStateSettings & { readonly openedMs: number }
  readonly #tables = new Map<string, ResidentTable>()

  constructor(settings: KeyedStateSettings) {
    this.#settings = { ...settings, openedMs: settings.nowMs() }
  }

  table(spec: StateTableSpec, options: TableOptions = {}): ResidentTable {
    const settings = { ...this.#settings, ...options }
    return this.#add(
      spec.ttlMs > 0 ? new ExpiringTable(spec, settings) : new ResidentTable(spec, settings),
    )
  }

  timers(spec: StateTableSpec, options: TableOptions = {}): ResidentTimers {
    assertDue(spec)
    return this.#add(new ResidentTimers(spec, { ...this.#settings, ...options }))
  }

  freeze(checkpointId: number, since: number | null): readonly FrozenTable[] {
    return [...this.#tables.values()].flatMap((table) => table.freeze(checkpointId, since))
  }

  /**
   * Puts the rows of this subtask's key groups; of two parts that hold one key the
   * later one counts. Checkpoints may build upon the restored one.
   */
  async restore(restored: RestoredOperatorState): Promise<void> {
    for (const [name, table] of this.#tables) {
      const fit = fitOf(table)
      for await (const { rows } of restored.readKeyed(name, fit.schema, fit)) table.put(rows)
      table.trackFrom(restored.checkpointId)
    }
  }

  /** Bytes of memory by table. */
  memoryByTable(): ReadonlyMap<string, number> {
    return new Map([...this.#tables].map(([name, table]) => [name, table.memoryBytes]))
  }

  /**
   * Addresses that tables have set aside beyond their memory: V8 counts them as used, the machine
   * does not.
   */
  get reservedBytes(): number {
    let bytes = 0
    for (const table of this.#tables.values()) bytes += table.reservedBytes
    return bytes
  }

  /** Memory alone: nothing to give back. */
  close(): void {}

  #add<T extends ResidentTable>(table: T): T {
    const { name } = table.spec
    if (this.#tables.has(name)) {
      throw stateError(
        'STATE_SNAPSHOT_INVALID',
        `Name state tables apart: '${name}' is there twice.`,
      )
    }
    this.#tables.set(name, table)
    return table
  }
}
