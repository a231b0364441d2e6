/**
 * The manifest of a checkpoint (`_metadata`): what was snapshotted where. It exists exactly when
 * the checkpoint is complete.
 *
 *     millrace-checkpoint <format version> <crc32 of the body, 8 hex digits> <bytes of the body>\n
 *     <body: JSON of CheckpointManifest>
 */
import { crc32 } from 'node:zlib'
import {
  type MillraceError,
  type OperatorStateHandles,
  type StateHandle,
  type StateTableSpec,
  stateSizeOf,
  type TableNamedId,
} from '@millrace/core'
import { stateError } from '../error-codes.ts'
import type { InFlightManifest } from './in-flight-manifest.ts'

export interface OperatorManifest {
  readonly operatorId: string
  readonly operatorName: string
  readonly vertexId: string
  readonly parallelism: number
  readonly maxParallelism: number
  /** Its tables of state by key, with the names and types of their columns; absent in format 1. */
  readonly tables?: readonly StateTableSpec[]
  /** What its state is made of, for people, by part. */
  readonly madeOf?: Readonly<Record<string, string>>
  /** Where it is another, its id by the names of the tables that were read. */
  readonly byTableName?: TableNamedId
  /** One entry a subtask; null: no state. */
  readonly subtasks: readonly (OperatorStateHandles | null)[]
}

export interface CheckpointManifest {
  readonly jobId: string
  readonly checkpointId: number
  /** When it was triggered, epoch ms. */
  readonly timestampMs: number
  /** Epoch of the JobManager leader that completed it. */
  readonly leaderEpoch: number
  readonly operators: readonly OperatorManifest[]
  /** Operator id → its coordinator's state (JSON). */
  readonly coordinators: Readonly<Record<string, unknown>>
  /** Of a savepoint; absent: a checkpoint. */
  readonly savepoint?: { readonly format: 'canonical' | 'native' }
  /** Of an unaligned checkpoint; absent: nothing was under way. */
  readonly inFlight?: InFlightManifest
}

/**
 * 2: operators name their tables. 3: elements under way, without which it is of version 2. This
 * build reads all.
 */
export const FORMAT_VERSION = 3
const ALIGNED_VERSION = 2
const FORMATS: readonly number[] = [1, ALIGNED_VERSION, FORMAT_VERSION]
const MAGIC = 'millrace-checkpoint'

/** Bytes of operator state that the checkpoint refers to. */
export function manifestStateSize(manifest: CheckpointManifest): number {
  let size = 0
  for (const operator of manifest.operators) {
    for (const handles of operator.subtasks) if (handles !== null) size += stateSizeOf(handles)
  }
  return size
}

/** What there is instead of a checkpoint that is missing, for messages. */
export function describeKnown(checkpointIds: readonly number[]): string {
  return checkpointIds.length === 0 ? 'there is none' : `there are ${checkpointIds.join(', ')}`
}

/** A copy in which each handle is what `change` makes of it. */
export function mapHandles(
  manifest: CheckpointManifest,
  change: (handle: StateHandle) => StateHandle,
): CheckpointManifest {
  const changeSubtask = (handles: OperatorStateHandles | null): OperatorStateHandles | null =>
    handles === null
      ? null
      : { parts: handles.parts.map((part) => ({ ...part, handle: change(part.handle) })) }
  const operators = manifest.operators.map((operator) => ({
    ...operator,
    subtasks: operator.subtasks.map(changeSubtask),
  }))
  if (manifest.inFlight === undefined) return { ...manifest, operators }
  const vertices = Object.entries(manifest.inFlight.vertices).map(([id, subtasks]) => [
    id,
    subtasks.map((stored) => stored && { ...stored, handle: change(stored.handle) }),
  ])
  const inFlight = { ...manifest.inFlight, vertices: Object.fromEntries(vertices) }
  return { ...manifest, operators, inFlight }
}

export function formatVersionOf({ inFlight }: CheckpointManifest): number {
  return inFlight === undefined ? ALIGNED_VERSION : FORMAT_VERSION
}

export function encodeManifest(manifest: CheckpointManifest): Uint8Array {
  const body = Buffer.from(JSON.stringify(manifest))
  const checksum = crc32(body).toString(16).padStart(8, '0')
  const version = formatVersionOf(manifest)
  return Buffer.concat([Buffer.from(`${MAGIC} ${version} ${checksum} ${body.length}\n`), body])
}

/** `file` is for messages. Throws CHECKPOINT_METADATA_CORRUPTED, CHECKPOINT_VERSION_UNSUPPORTED. */
export function decodeManifest(bytes: Uint8Array, file: string): CheckpointManifest {
  const lineEnd = bytes.indexOf(0x0a)
  const line = Buffer.from(bytes.subarray(0, Math.max(0, lineEnd))).toString('latin1')
  const header = /^millrace-checkpoint (\d{1,6}) ([0-9a-f]{8}) (\d{1,15})$/.exec(line)
  if (header === null) throw corrupted(file, 'its first line is damaged')
  const body = bytes.subarray(lineEnd + 1)
  if (body.length !== Number(header[3])) {
    throw corrupted(file, `it has ${body.length} bytes of ${header[3]}`)
  }
  if (crc32(body) !== Number.parseInt(header[2], 16)) throw corrupted(file, 'its checksum is wrong')
  if (!FORMATS.includes(Number(header[1]))) {
    throw stateError(
      'CHECKPOINT_VERSION_UNSUPPORTED',
      `Cannot read ${file}: its format is version ${header[1]}; this Millrace reads ${FORMATS.join(', ')}.`,
      {
        hint: 'Restore it with the version of Millrace that wrote it, or a newer one.',
        location: { file },
      },
    )
  }
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as CheckpointManifest
  } catch (cause) {
    throw corrupted(file, 'it is no JSON', cause)
  }
}

function corrupted(file: string, what: string, cause?: unknown): MillraceError {
  return stateError('CHECKPOINT_METADATA_CORRUPTED', `Cannot read ${file}: ${what}.`, {
    hint: 'Restore from another retained checkpoint, or start the job without one.',
    location: { file },
    cause,
  })
}
