/**
 * The state in a complete checkpoint is what a plain model computes from the input up to the offsets in that same
 * checkpoint: groups of windows that have not fired, unbounded groups, counted values, event time of each split. So
 * what a snapshot or a restore loses, keeps twice or mixes up is seen at the next checkpoint, long before a result is
 * wrong, and also where none would be.
 *
 * Also held: each split of the input is in exactly one place, a reader's state or the enumerator's.
 */
import type { SourceSplit } from '@millrace/connector'
import { keyGroupRangeOf, type RestoredOperatorState, type Value } from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import {
  type GroupAggregateConfig,
  SQL_OPERATORS,
  type TableSourceConfig,
  type WindowAggregateConfig,
} from '@millrace/sql-operators'
import {
  type AggregateStateRow,
  readAggregateState,
  readSplits,
  readWindowWatermarks,
  type SnapshottedSplit,
} from '@millrace/sql-operators/inspect-state'
import {
  type CheckpointManifest,
  type OperatorManifest,
  openRestoredState,
  readCheckpoint,
} from '@millrace/state'
import type { PlanInput } from '../plan-model/input-of-plan.ts'
import type { ModelGroup } from '../plan-model/plain-groups.ts'
import type { Moment, PlanModel } from '../plan-model/plan-model.ts'
import { groupKey } from '../workload/oracle/group-key.ts'
import { compareRows } from './compare-rows.ts'
import { type Violation, violation } from './violation.ts'

const CHECKER = 'state-equals-model'

export interface StateCheckOptions {
  /** Compare the groups of aggregates as well, not the sources alone. */
  readonly groups: boolean
}

export class StateChecker {
  readonly #model: PlanModel
  readonly #input: PlanInput
  readonly #options: StateCheckOptions
  /** Groups and splits that were compared. */
  compared = 0

  constructor(model: PlanModel, input: PlanInput, options: StateCheckOptions) {
    this.#model = model
    this.#input = input
    this.#options = options
  }

  /** `filesystem` shows the disk as it is, without faults. */
  async check(location: string, filesystem: Filesystem): Promise<Violation[]> {
    const checkpoint = new OpenedCheckpoint(await readCheckpoint(location, filesystem), filesystem)
    const found: Violation[] = []
    const say = (what: string, details: readonly string[]) => {
      if (details.length === 0) return
      found.push(violation(CHECKER, `${what} in ${location}`, details))
    }
    const moment = await this.#momentOf(checkpoint, say)
    for (const { id, name, config } of this.#options.groups ? this.#aggregates() : []) {
      const held: AggregateStateRow[] = []
      for (const state of await checkpoint.subtasks(id)) {
        held.push(...(await readAggregateState(config, state)))
      }
      const groups = this.#model.groupsOf(id, moment)
      this.compared += groups.length
      const counted = countedCalls(held)
      const { missing, doubled, unexpected } = compareRows(
        groups.map((group) => modelText(group, counted)),
        held.map(stateText),
      )
      const columns = 'key, end, rows, results, counted values'
      say(
        `${missing.length} of ${groups.length} groups of ${name} are missing (${columns})`,
        missing,
      )
      say(`${doubled.length} groups of ${name} are held twice`, doubled)
      say(
        `${unexpected.length} groups of ${name} are not those of the model (${columns})`,
        unexpected,
      )
    }
    return found
  }

  #aggregates() {
    return [SQL_OPERATORS.globalWindowAggregate, SQL_OPERATORS.groupAggregate].flatMap((factory) =>
      this.#model.operators(factory).map(({ id, name, config }) => ({
        id,
        name,
        config: config as WindowAggregateConfig | GroupAggregateConfig,
      })),
    )
  }

  async #momentOf(
    checkpoint: OpenedCheckpoint,
    say: (what: string, details: readonly string[]) => void,
  ): Promise<Moment> {
    const read = new Map<string, number>()
    const moment: Moment = {
      rowsRead: (source, partition) => read.get(`${source} ${partition}`) ?? 0,
      watermarkMs: (operator, keyGroup) => checkpoint.watermarkMs(operator, keyGroup),
    }
    for (const { id, name, config } of this.#model.operators(SQL_OPERATORS.tableSource)) {
      const source = config as TableSourceConfig
      const splits = (await checkpoint.subtasks(id)).flatMap(readSplits)
      const { dealt, waiting } = checkpoint.enumerator(id)
      const wrong: string[] = []
      this.#input.partitions(source.tableName).forEach((rows, partition) => {
        const splitId = this.#input.splitId(source.tableName, partition)
        const here = [...splits, ...waiting].filter((split) => split.id === splitId)
        if (here.length > 1) wrong.push(`${splitId} is in ${here.length} places`)
        let rowsRead = 0
        if (here.length > 0) {
          rowsRead = this.#input.rowsBefore(source.tableName, partition, here[0]!.position)
        } else if (dealt.has(splitId)) {
          // A split that was read to its end is in no checkpoint.
          if (this.#input.bounded) rowsRead = rows.length
          else wrong.push(`${splitId} was dealt out and is nowhere`)
        }
        read.set(`${id} ${partition}`, rowsRead)
      })
      say(`${wrong.length} splits of ${name} are lost or doubled`, wrong)
      const times = this.#wrongTimes(id, source, splits, moment)
      say(`${times.length} event times of splits of ${name} are wrong`, times)
    }
    await checkpoint.readWatermarks(this.#model.operators(SQL_OPERATORS.globalWindowAggregate))
    return moment
  }

  #wrongTimes(
    id: string,
    { tableName, watermark }: TableSourceConfig,
    splits: readonly SnapshottedSplit[],
    moment: Moment,
  ): string[] {
    if (watermark === null) return []
    const ids = this.#input
      .partitions(tableName)
      .map((_, partition) => this.#input.splitId(tableName, partition))
    return splits.flatMap((split) => {
      const partition = ids.indexOf(split.id)
      if (partition < 0) return [`${split.description} is not of this table`]
      const rowsRead = moment.rowsRead(id, partition)
      this.compared++
      const right = {
        watermarkMs: this.#model.largestOf(id, partition, rowsRead, watermark.watermark),
        lastEventTimeMs: this.#model.largestOf(id, partition, rowsRead, watermark.rowtime),
      }
      const { watermarkMs = null, lastEventTimeMs = null } = split.eventTime ?? {}
      const held = { watermarkMs, lastEventTimeMs }
      const [a, b] = [JSON.stringify(held), JSON.stringify(right)]
      return a === b ? [] : [`${split.description}: ${a}, not ${b}`]
    })
  }
}

/** A checkpoint's state through the readers that ship, each subtask's as its successor would get it. */
class OpenedCheckpoint {
  readonly #manifest: CheckpointManifest
  readonly #filesystem: Filesystem
  readonly #opened = new Map<string, RestoredOperatorState[]>()
  /** Operator → watermark by key group. */
  readonly #watermarks = new Map<string, number[]>()

  constructor(manifest: CheckpointManifest, filesystem: Filesystem) {
    this.#manifest = manifest
    this.#filesystem = filesystem
  }

  /** States of those subtasks that have one. */
  async subtasks(operatorId: string): Promise<readonly RestoredOperatorState[]> {
    let opened = this.#opened.get(operatorId)
    if (opened === undefined) {
      opened = []
      const operator = this.#operator(operatorId)
      for (let subtask = 0; subtask < (operator?.subtasks.length ?? 0); subtask++) {
        const state = await this.#open(operator!, subtask)
        if (state !== null) opened.push(state)
      }
      this.#opened.set(operatorId, opened)
    }
    return opened
  }

  async readWatermarks(operators: readonly { readonly id: string }[]): Promise<void> {
    for (const { id } of operators) {
      const operator = this.#operator(id)
      const byKeyGroup: number[] = []
      for (let subtask = 0; subtask < (operator?.subtasks.length ?? 0); subtask++) {
        const state = await this.#open(operator!, subtask)
        const { start, end } = rangeOf(operator!, subtask)
        const [watermark] = state === null ? [] : readWindowWatermarks(state)
        for (let group = start; group <= end; group++) {
          byKeyGroup[group] = watermark ?? Number.NEGATIVE_INFINITY
        }
      }
      this.#watermarks.set(id, byKeyGroup)
    }
  }

  watermarkMs(operatorId: string, keyGroup: number): number {
    return this.#watermarks.get(operatorId)?.[keyGroup] ?? Number.NEGATIVE_INFINITY
  }

  /** Ids of splits that the enumerator has dealt out, and splits that still wait there. */
  enumerator(operatorId: string): EnumeratorView {
    const state = this.#manifest.coordinators[operatorId] as CoordinatorState | undefined
    const { assigned, unassigned, known, pending } = state?.enumerator ?? {}
    const waiting = unassigned ?? pending ?? []
    const dealt = new Set(assigned ?? known ?? [])
    for (const { id } of waiting) dealt.delete(id)
    return { dealt, waiting }
  }

  #operator(operatorId: string): OperatorManifest | undefined {
    return this.#manifest.operators.find((operator) => operator.operatorId === operatorId)
  }

  async #open(operator: OperatorManifest, subtask: number): Promise<RestoredOperatorState | null> {
    const handles = operator.subtasks[subtask] ?? null
    if (handles === null) return null
    return openRestoredState({
      handles,
      checkpointId: this.#manifest.checkpointId,
      keyGroupRange: rangeOf(operator, subtask),
      filesystem: this.#filesystem,
      operator: operator.operatorName,
    })
  }
}

interface EnumeratorView {
  readonly dealt: ReadonlySet<string>
  readonly waiting: readonly SourceSplit[]
}

/** Of the Kafka source, or of the filesystem's, whose splits have their paths as ids. */
interface CoordinatorState {
  readonly enumerator: {
    readonly assigned?: readonly string[]
    readonly unassigned?: readonly SourceSplit[]
    readonly known?: readonly string[]
    readonly pending?: readonly SourceSplit[]
  }
}

function rangeOf({ parallelism, maxParallelism }: OperatorManifest, subtask: number) {
  return keyGroupRangeOf(subtask, parallelism, maxParallelism)
}

/** By call: whether the operator counts its values. */
function countedCalls(rows: readonly AggregateStateRow[]): readonly boolean[] {
  return rows[0]?.valueCounts.map((counts) => counts !== null) ?? []
}

function stateText({ key, groupEndMs, rowCount, results, valueCounts }: AggregateStateRow): string {
  const counts = valueCounts.map((values) =>
    values === null ? null : values.map(([value, count]) => [groupKey([value]), count] as const),
  )
  return groupText(key, groupEndMs, rowCount, results, counts)
}

function modelText(group: ModelGroup, counted: readonly boolean[]): string {
  const counts = group.valueCounts.map((values, call) =>
    counted[call] === true ? [...(values ?? [])] : null,
  )
  return groupText(group.key, group.endMs, group.rowCount, group.results, counts)
}

function groupText(
  key: readonly Value[],
  endMs: number,
  rowCount: number,
  results: readonly Value[],
  counts: readonly (readonly (readonly [string, number])[] | null)[],
): string {
  // A sum that was retracted from may be 0 where its values alone give -0.
  const plain = results.map((value) => (value === 0 ? 0 : value))
  const sorted = counts.map((values) => (values === null ? null : [...values].sort()))
  return `${groupKey(key)} ${endMs} ${rowCount} ${groupKey(plain)} ${JSON.stringify(sorted)}`
}
