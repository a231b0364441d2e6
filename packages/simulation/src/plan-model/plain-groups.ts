/**
 * PlainGroups: the groups of one aggregate of a plan, by definition — collect the rows of each, then compute.
 *
 * Windows whose results can be merged are held by slice, the largest piece that every window is made of; others
 * (DISTINCT) by window, each by its end. A group is held until the last window that it is in has fired.
 */
import type { LogicalType, Value } from '@millrace/core'
import type { Expression } from '@millrace/expression'
import {
  type AggregateCall,
  type GroupAggregateConfig,
  supportsTwoPhase,
  type WindowAggregateConfig,
} from '@millrace/sql-operators'
import { column } from '../workload/model/expression.ts'
import { typeOfAggregate, type Window } from '../workload/model/query.ts'
import { rescale, type SqlType, scaleOf } from '../workload/model/sql-type.ts'
import { aggregateOf } from '../workload/oracle/aggregates.ts'
import { groupKey } from '../workload/oracle/group-key.ts'
import { windowStarts } from '../workload/oracle/query-rows.ts'
import type { PlanRow } from './input-of-plan.ts'
import { evaluated, type ModelRow } from './model-row.ts'

export interface ModelGroup {
  readonly key: PlanRow
  /** Of the slice or window; 0 without windows. */
  readonly endMs: number
  readonly rowCount: number
  readonly results: PlanRow
  /** By call, the values that it aggregates, with how often each is there; null for COUNT(*). */
  readonly valueCounts: readonly (ReadonlyMap<string, number> | null)[]
}

/** What an aggregate reads of a row. */
interface Reading {
  readonly key: PlanRow
  /** By call; undefined: its filter leaves the row out. */
  readonly values: readonly (Value | undefined)[]
  readonly inPieces: readonly Place[]
  readonly inWindows: readonly Place[]
}

/** A slice or window that a row is in: its end, and a name for it with the row's key. */
interface Place {
  readonly endMs: number
  readonly name: string
}

export class PlainGroups {
  readonly #config: WindowAggregateConfig | GroupAggregateConfig
  readonly #window: WindowAggregateConfig | null
  readonly #windows: Window | null
  /** What rows are held by: slices, or windows. */
  readonly #pieces: Window | null
  /** Of rows that come straight from a source. */
  readonly #known = new Map<ModelRow, Reading>()

  constructor(config: WindowAggregateConfig | GroupAggregateConfig) {
    this.#config = config
    this.#window = 'window' in config ? config : null
    this.#windows = this.#window === null ? null : windowOf(this.#window)
    this.#pieces =
      this.#window === null || this.#windows === null
        ? null
        : supportsTwoPhase(this.#window)
          ? sliceOf(this.#windows)
          : this.#windows
  }

  /** Groups that the state holds; `watermarkOf` by key, null without windows. */
  held(rows: readonly ModelRow[], watermarkOf: ((key: PlanRow) => number) | null): ModelGroup[] {
    const windows = this.#windows
    if (windows === null || watermarkOf === null) {
      return this.#groups(rows, 'inPieces', () => true)
    }
    const bySlice = this.#pieces !== windows
    return this.#groups(rows, 'inPieces', (key, endMs) => {
      const lastMs = bySlice ? windowStarts(windows, endMs - 1).at(-1)! + windows.sizeMs : endMs
      return lastMs - 1 > watermarkOf(key)
    })
  }

  /** Windows that have fired. */
  fired(rows: readonly ModelRow[], watermarkOf: (key: PlanRow) => number): ModelGroup[] {
    return this.#groups(rows, 'inWindows', (key, endMs) => endMs - 1 <= watermarkOf(key))
  }

  #groups(
    rows: readonly ModelRow[],
    where: 'inPieces' | 'inWindows',
    isWanted: (key: PlanRow, endMs: number) => boolean,
  ): ModelGroup[] {
    const groups = new Map<string, { key: PlanRow; endMs: number; readings: Reading[] | null }>()
    for (const reading of this.#read(rows)) {
      for (const { name, endMs } of reading[where]) {
        let group = groups.get(name)
        if (group === undefined) {
          const { key } = reading
          group = { key, endMs, readings: isWanted(key, endMs) ? [] : null }
          groups.set(name, group)
        }
        group.readings?.push(reading)
      }
    }
    return [...groups.values()].flatMap(({ key, endMs, readings }) =>
      readings === null ? [] : this.#group(key, endMs, readings),
    )
  }

  #group(key: PlanRow, endMs: number, readings: readonly Reading[]): ModelGroup {
    const { aggregates } = this.#config
    const values = aggregates.map((_, c) =>
      readings.flatMap((reading) => {
        const value = reading.values[c]
        return value === undefined ? [] : [value]
      }),
    )
    return {
      key,
      endMs,
      rowCount: readings.length,
      results: aggregates.map((call, c) => resultOf(call, values[c]!)),
      valueCounts: aggregates.map((call, c) =>
        call.argument === null ? null : counted(values[c]!),
      ),
    }
  }

  #read(rows: readonly ModelRow[]): Reading[] {
    const { keys, aggregates, inputSchema } = this.#config
    const open = rows.filter((row) => !this.#known.has(row))
    const expressions: Expression[] = [...keys]
    const place = (expression: Expression | null | undefined): number =>
      expression == null ? -1 : expressions.push(expression) - 1
    const time = place(this.#window?.rowtime)
    const places = aggregates.map(({ argument, filter }) => [place(argument), place(filter)])
    const values = evaluated(
      open.map((row) => row.values),
      inputSchema,
      expressions,
    )
    open.forEach((row, i) => {
      const of = values[i]!
      const key = of.slice(0, keys.length)
      const timeMs = time < 0 ? 0 : (of[time] as number)
      const inPieces = placesOf(this.#pieces, key, timeMs)
      this.#known.set(row, {
        key,
        inPieces,
        inWindows: this.#windows === this.#pieces ? inPieces : placesOf(this.#windows, key, timeMs),
        values: places.map(([argument, filter]) =>
          filter! >= 0 && of[filter!] !== true ? undefined : argument! < 0 ? 1 : of[argument!]!,
        ),
      })
    })
    const readings = rows.map((row) => this.#known.get(row)!)
    for (const row of open) if (row.origin === null) this.#known.delete(row)
    return readings
  }
}

function placesOf(windows: Window | null, key: PlanRow, timeMs: number): Place[] {
  const ends =
    windows === null
      ? [0]
      : windowStarts(windows, timeMs).map((startMs) => startMs + windows.sizeMs)
  return ends.map((endMs) => ({ endMs, name: groupKey([...key, endMs]) }))
}

function windowOf({ window }: WindowAggregateConfig): Window {
  const { kind, sizeMs, offsetMs } = window
  return { kind, sizeMs, slideMs: window.kind === 'hop' ? window.slideMs : sizeMs, offsetMs }
}

function sliceOf({ sizeMs, slideMs, offsetMs }: Window): Window {
  let [sliceMs, rest] = [sizeMs, slideMs]
  while (rest > 0) [sliceMs, rest] = [rest, sliceMs % rest]
  return { kind: 'tumble', sizeMs: sliceMs, slideMs: sliceMs, offsetMs }
}

/** The row that a window of `config` sends when it fires. */
export function firedRow(config: WindowAggregateConfig, group: ModelGroup): PlanRow {
  const properties = config.properties.map((property) => {
    if (property === 'window_start') return group.endMs - config.window.sizeMs
    return property === 'window_end' ? group.endMs : group.endMs - 1
  })
  return [...group.key, ...group.results, ...properties]
}

function resultOf(call: AggregateCall, values: readonly Value[]): Value {
  const { function: name, argument, resultType } = call
  if (argument === null) return BigInt(values.length)
  const type = sqlTypeOf(argument.type)
  const asked = {
    name: 'a',
    function: name,
    distinct: call.distinct,
    argument: column('x', type),
    filter: null,
  }
  const result = aggregateOf(
    asked,
    values.map((x) => ({ x })),
  )
  if (typeof result !== 'bigint' || resultType.kind !== 'DECIMAL') return result
  const scaled = rescale(result, scaleOf(typeOfAggregate(asked)), resultType.scale)
  const size = scaled < 0n ? -scaled : scaled
  return size < 10n ** BigInt(resultType.precision) ? scaled : null
}

function sqlTypeOf(type: LogicalType): SqlType {
  switch (type.kind) {
    case 'DECIMAL':
      return { kind: 'DECIMAL', precision: type.precision, scale: type.scale }
    case 'TIMESTAMP_LTZ':
      return { kind: 'TIMESTAMP' }
    case 'STRING':
    case 'INT':
    case 'BIGINT':
    case 'DOUBLE':
    case 'BOOLEAN':
    case 'DATE':
    case 'TIMESTAMP':
      return { kind: type.kind }
    default:
      throw new Error(`The model aggregates no ${type.kind}`)
  }
}

/** How often each value is there that is not NULL. */
function counted(values: readonly Value[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) {
    if (value === null) continue
    const key = groupKey([value])
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}
