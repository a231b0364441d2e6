/**
 * What a savepoint or checkpoint holds, from its manifest and the indexes of its segments alone: no
 * row is read, so it takes as long as there are segments, not as there is state.
 */
import type { Schema, TableNamedId } from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import { forEachSegment, type VisitedSegment } from '../checkpoint/check-files.ts'
import { readCheckpoint } from '../checkpoint/checkpoint-directory.ts'
import {
  type CheckpointManifest,
  formatVersionOf,
  type OperatorManifest,
} from '../checkpoint/checkpoint-manifest.ts'

export interface InspectedState {
  readonly name: string
  /** `coordinator`: what the JobManager keeps of the operator, such as splits not dealt out. */
  readonly kind: 'table' | 'list' | 'union' | 'coordinator'
  /** Entries, or items; of a coordinator 1. */
  readonly rows: number
  /**
   * The checkpoint builds upon earlier ones: an entry counts as often as it was written, and those
   * that have gone since count too.
   */
  readonly isUpperBound: boolean
  /** Encoded, without indexes. */
  readonly bytes: number
  /** Key groups that have entries; null: not by key. */
  readonly keyGroups: number | null
  /** Key, then what tells entries of a key apart, then value; null: not by key. */
  readonly schema: Schema | null
}

export interface InspectedOperator {
  readonly id: string
  readonly name: string
  readonly vertexId: string
  readonly parallelism: number
  readonly maxParallelism: number
  /** Where it is another, its id by the names of the tables that were read. */
  readonly byTableName?: TableNamedId
  readonly segments: number
  /** Of its segments, indexes included. */
  readonly bytes: number
  readonly states: readonly InspectedState[]
}

export interface InspectedCheckpoint {
  readonly location: string
  readonly kind: 'savepoint' | 'checkpoint'
  readonly formatVersion: number
  readonly jobId: string
  readonly checkpointId: number
  /** When it was triggered, epoch ms. */
  readonly timestampMs: number
  /** Files beside the metadata, shared ones included. */
  readonly files: number
  readonly bytes: number
  /** Those that have state, in the order of the manifest. */
  readonly operators: readonly InspectedOperator[]
  /** Bytes of rows under way that barriers overtook, indexes included; of `bytes`. */
  readonly inFlightBytes: number
}

/**
 * `location`: absolute, of a savepoint or of a retained checkpoint. Rejects as `readCheckpoint` and
 * `checkFiles` do.
 */
export async function inspectCheckpoint(
  location: string,
  filesystem: Filesystem,
): Promise<InspectedCheckpoint> {
  const manifest = await readCheckpoint(location, filesystem)
  const found = new Map<OperatorManifest, OperatorTally>()
  const files = new Set<string>()
  await forEachSegment(manifest, filesystem, (segment) => {
    const { operator, part } = segment
    const { handle } = part
    const tally = found.get(operator) ?? new OperatorTally()
    found.set(operator, tally)
    tally.add(segment)
    if (handle.kind === 'file') files.add(handle.path)
  })
  const operators = manifest.operators.flatMap((operator) => {
    const tally = found.get(operator) ?? new OperatorTally()
    const states = [...tally.states(), ...coordinatorState(manifest, operator)]
    return states.length === 0 ? [] : [inspected(operator, tally, states)]
  })
  let inFlightBytes = 0
  for (const stored of Object.values(manifest.inFlight?.vertices ?? {}).flat()) {
    if (stored === null) continue
    inFlightBytes += stored.handle.size
    if (stored.handle.kind === 'file') files.add(stored.handle.path)
  }
  return {
    location,
    kind: manifest.savepoint === undefined ? 'checkpoint' : 'savepoint',
    formatVersion: formatVersionOf(manifest),
    jobId: manifest.jobId,
    checkpointId: manifest.checkpointId,
    timestampMs: manifest.timestampMs,
    files: files.size,
    bytes: operators.reduce((sum, { bytes }) => sum + bytes, inFlightBytes),
    operators,
    inFlightBytes,
  }
}

function inspected(
  operator: OperatorManifest,
  { segments, bytes }: OperatorTally,
  states: readonly InspectedState[],
): InspectedOperator {
  const { operatorId, operatorName, vertexId, parallelism, maxParallelism, byTableName } = operator
  return {
    ...{ id: operatorId, name: operatorName, vertexId, parallelism, maxParallelism },
    ...(byTableName === undefined ? {} : { byTableName }),
    ...{ segments, bytes, states },
  }
}

function coordinatorState(
  { coordinators }: CheckpointManifest,
  { operatorId }: OperatorManifest,
): InspectedState[] {
  const state = coordinators[operatorId]
  if (state === undefined) return []
  const bytes = Buffer.byteLength(JSON.stringify(state))
  const none = { isUpperBound: false, keyGroups: null, schema: null }
  return [{ name: 'coordinator', kind: 'coordinator', rows: 1, bytes, ...none }]
}

interface StateTally {
  readonly kind: 'table' | 'list' | 'union'
  schema: Schema | null
  readonly keyGroups: Set<number>
  rows: number
  bytes: number
  isUpperBound: boolean
}

/** Adds up the segments of all subtasks of an operator. */
class OperatorTally {
  segments = 0
  bytes = 0
  readonly #states = new Map<string, StateTally>()

  add({ part, isChained, index }: VisitedSegment): void {
    this.segments++
    this.bytes += part.handle.size
    for (const { name, schema, blocks, removed } of part.keyGroups === null ? [] : index.tables) {
      const tally = this.#stateOf('table', name, removed ? null : schema)
      tally.isUpperBound ||= isChained
      for (const [keyGroup, , length, rows] of blocks) {
        tally.bytes += length
        if (removed) continue
        tally.keyGroups.add(keyGroup)
        tally.rows += rows
      }
    }
    for (const { kind, name, count, length } of index.items) {
      // One that a later segment builds upon has items of an earlier checkpoint.
      if (kind === 'list' ? part.lists[name] === undefined : !part.unions.includes(name)) continue
      const tally = this.#stateOf(kind, name, null)
      tally.rows += count
      tally.bytes += length
    }
  }

  states(): InspectedState[] {
    return [...this.#states].map(([key, { keyGroups, ...tally }]) => ({
      ...tally,
      name: key.slice(key.indexOf(' ') + 1),
      keyGroups: tally.kind === 'table' ? keyGroups.size : null,
    }))
  }

  #stateOf(kind: StateTally['kind'], name: string, schema: Schema | null): StateTally {
    const key = `${kind} ${name}`
    const known = this.#states.get(key)
    if (known !== undefined) {
      known.schema ??= schema
      return known
    }
    const made = { kind, schema, keyGroups: new Set<number>(), rows: 0, bytes: 0 }
    const tally: StateTally = { ...made, isUpperBound: false }
    this.#states.set(key, tally)
    return tally
  }
}
