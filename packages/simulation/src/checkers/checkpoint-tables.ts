/**
 * What a complete checkpoint holds by key is what the factories of its operators say that they
 * keep (`states()`): those tables with those columns, each handle with the key groups of the
 * subtask that wrote it, each row in the group of its key, each (key, sub) once, and
 * none that was due by the watermark that the subtask had.
 *
 * It knows no operator: an operator whose factory declares its tables is held to them without a
 * line here.
 */
import {
  type ColumnBatch,
  type KeyGroupRange,
  keyGroupRangeOf,
  keyGroups,
  type OperatorRegistry,
  RowKind,
  type Schema,
  type StateHandle,
  type StatePart,
  type StateTableSpec,
  storedSchemaOf,
  type Value,
  valueAt,
} from '@millrace/core'
import type { JobGraph, OperatorDescriptor } from '@millrace/graph'
import type { Filesystem } from '@millrace/platform'
import {
  type OperatorManifest,
  readCheckpoint,
  type SegmentIndex,
  SegmentReader,
} from '@millrace/state'
import { groupKey } from '../workload/oracle/group-key.ts'
import { type Violation, violation } from './violation.ts'

const CHECKER = 'declared-state'

/** Union state that says how far event time has come for the subtask. */
const WATERMARK = 'watermark'

export class TablesChecker {
  readonly #operators: ReadonlyMap<string, OperatorDescriptor>
  readonly #factories: OperatorRegistry
  /** Tables that were held to their declaration. */
  compared = 0

  constructor(jobGraph: JobGraph, factories: OperatorRegistry) {
    const operators = jobGraph.vertices.flatMap((vertex) => vertex.operators)
    this.#operators = new Map(operators.map((operator) => [operator.id, operator]))
    this.#factories = factories
  }

  /** `filesystem` shows the disk as it is, without faults. */
  async check(location: string, filesystem: Filesystem): Promise<Violation[]> {
    const manifest = await readCheckpoint(location, filesystem)
    const found: Violation[] = []
    for (const operator of manifest.operators) {
      const wrong = new Faults()
      const specs = this.#statesOf(operator.operatorId)
      if (specs === null) wrong.say('the job has no such operator')
      else await this.#checkOperator(operator, specs, filesystem, wrong)
      if (wrong.details.length === 0) continue
      const what = `The state of ${operator.operatorName} in ${location} is not what is declared`
      found.push(violation(CHECKER, what, wrong.details))
    }
    return found
  }

  #statesOf(operatorId: string): readonly StateTableSpec[] | null {
    const operator = this.#operators.get(operatorId)
    const factory = this.#factories.get(operator?.factory ?? '')
    return operator && factory ? factory.states(operator.config, operator.name) : null
  }

  async #checkOperator(
    operator: OperatorManifest,
    specs: readonly StateTableSpec[],
    filesystem: Filesystem,
    wrong: Faults,
  ): Promise<void> {
    const { parallelism, maxParallelism, subtasks } = operator
    if (subtasks.length !== parallelism) wrong.say(`${subtasks.length} subtasks of ${parallelism}`)
    const known = specs.map(() => new Set<string>())
    for (const [subtask, handles] of subtasks.entries()) {
      const range = keyGroupRangeOf(subtask, parallelism, maxParallelism)
      const entries = specs.map((): Entries => new Map())
      let watermarkMs = Number.NEGATIVE_INFINITY
      wrong.place = `subtask ${subtask}`
      for (const part of handles?.parts ?? []) {
        checkPart(part, specs.length > 0 ? range : null, wrong)
        const segment = new Segment(part.handle, filesystem)
        await segment.open()
        checkIndex(segment.index, specs, range, wrong)
        if (part.unions.includes(WATERMARK)) watermarkMs = await segment.watermarkMs()
        this.compared += specs.length
        for (const [t, spec] of specs.entries()) {
          const facts = { range, maxParallelism, entries: entries[t]!, seen: new Set<string>() }
          for await (const { keyGroup, rows } of segment.rowsOf(spec)) {
            readRows(spec, keyGroup, rows, facts, wrong)
          }
        }
        await segment.close()
      }
      for (const [t, spec] of specs.entries()) {
        checkEntries(spec, entries[t]!, { watermarkMs, known: known[t]! }, wrong)
      }
    }
  }
}

class Faults {
  readonly details: string[] = []
  place = ''

  say(text: string): void {
    this.details.push(this.place === '' ? text : `${this.place}: ${text}`)
  }
}

class Segment {
  readonly #reader: SegmentReader
  index!: SegmentIndex

  constructor(handle: StateHandle, filesystem: Filesystem) {
    this.#reader = new SegmentReader(handle, filesystem)
  }

  async open(): Promise<void> {
    this.index = await this.#reader.readIndex()
  }

  async *rowsOf(spec: StateTableSpec) {
    for (const { name, schema, blocks, removed = false } of this.index.tables) {
      if (name !== spec.name) continue
      for (const block of blocks) {
        const rows = await this.#reader.readBatch(block, schema)
        if (removed) rows.rowKinds = new Uint8Array(rows.rowCount).fill(RowKind.DELETE)
        yield { keyGroup: block[0], rows }
      }
    }
  }

  /** -Infinity when nothing says it. */
  async watermarkMs(): Promise<number> {
    const entry = this.index.items.find(({ kind, name }) => kind === 'union' && name === WATERMARK)
    const items = entry === undefined ? [] : await this.#reader.readItems(entry)
    if (items.length === 0) return Number.NEGATIVE_INFINITY
    // Of some key groups it may have come further before a restore.
    const reached = items.map((item) => Number(new TextDecoder().decode(item).split(' ')[0]))
    return Math.min(...reached)
  }

  close(): Promise<void> {
    return this.#reader.close()
  }
}

const rangeText = (range: KeyGroupRange | null): string =>
  range === null ? 'none' : `${range.start} to ${range.end}`

function checkPart(part: StatePart, range: KeyGroupRange | null, wrong: Faults): void {
  const [held, right] = [rangeText(part.keyGroups), rangeText(range)]
  if (held !== right) wrong.say(`its handle has key groups ${held}, not ${right}`)
}

function checkIndex(
  index: SegmentIndex,
  specs: readonly StateTableSpec[],
  range: KeyGroupRange,
  wrong: Faults,
): void {
  if (rangeText(index.keyGroups) !== rangeText(range)) {
    wrong.say(`its segment has key groups ${rangeText(index.keyGroups)}, not ${rangeText(range)}`)
  }
  const held = index.tables
    .filter(({ removed }) => removed !== true)
    .map(({ name, schema }) => JSON.stringify({ name, schema }))
  const right = specs.map((spec) =>
    JSON.stringify({ name: spec.name, schema: storedSchemaOf(spec) }),
  )
  const keys = specs.map((spec) => JSON.stringify({ name: spec.name, schema: keySchemaOf(spec) }))
  for (const { name, schema, removed } of index.tables) {
    const table = JSON.stringify({ name, schema })
    if (removed && !keys.includes(table)) wrong.say(`keys of none that is declared: ${table}`)
  }
  for (const table of held) if (!right.includes(table)) wrong.say(`not declared: ${table}`)
  for (const table of right)
    if (!held.includes(table)) wrong.say(`declared and not there: ${table}`)
}

function keySchemaOf({ key, sub }: StateTableSpec): Schema {
  return { fields: [...key.fields, ...(sub?.columns.fields ?? [])] }
}

/** (key, sub) as text → when it is due. */
type Entries = Map<string, number | null>

interface RowFacts {
  readonly range: KeyGroupRange
  readonly maxParallelism: number
  /** What the parts of the subtask hold so far. */
  readonly entries: Entries
  /** Of the part at hand. */
  readonly seen: Set<string>
}

/** Of rows that replace what earlier parts hold, or take it away. */
function readRows(
  spec: StateTableSpec,
  keyGroup: number,
  rows: ColumnBatch,
  { range, maxParallelism, entries, seen }: RowFacts,
  wrong: Faults,
): void {
  const { name, key, sub } = spec
  if (keyGroup < range.start || keyGroup > range.end) {
    wrong.say(`${name} has rows of key group ${keyGroup}, not of ${rangeText(range)}`)
  }
  const keyed = keySchemaOf(spec).fields.length
  const groups = keyGroups(rows, [...key.fields.keys()], maxParallelism)
  for (let row = 0; row < rows.rowCount; row++) {
    const values = rows.columns.slice(0, keyed).map((column): Value => valueAt(column, row))
    const text = groupKey(values)
    if (groups[row] !== keyGroup) {
      wrong.say(`${name} has ${text} in key group ${keyGroup}, not in ${groups[row]}`)
    }
    if (rows.rowKinds !== null) entries.delete(text)
    else {
      if (seen.has(text)) wrong.say(`${name} has ${text} twice`)
      seen.add(text)
      entries.set(text, sub?.due === undefined ? null : (values[key.fields.length] as number))
    }
  }
}

function checkEntries(
  { name, sub }: StateTableSpec,
  entries: Entries,
  /** `known`: (key, sub) of the subtasks before. */
  { watermarkMs, known }: { readonly watermarkMs: number; readonly known: Set<string> },
  wrong: Faults,
): void {
  for (const [text, dueMs] of entries) {
    if (dueMs !== null && watermarkMs >= dueMs + sub!.due!.keptMs) {
      wrong.say(`${name} still has ${text} at watermark ${watermarkMs}`)
    }
    if (known.has(text)) wrong.say(`${name} has ${text} twice`)
    known.add(text)
  }
}
