/**
 * Branded identifiers. Job, vertex and operator ids are 32 lower-case hex digits, as
 * REST shows them.
 */
type Brand<T, B extends string> = T & { readonly __brand: B }

export type JobId = Brand<string, 'JobId'>
export type VertexId = Brand<string, 'VertexId'>
export type OperatorId = Brand<string, 'OperatorId'>
/** TaskManager (resource) id, e.g. `tm-127.0.0.1-6122-4f1c2a`. */
export type TaskManagerId = Brand<string, 'TaskManagerId'>
/** `<taskManagerId>_<slot index>`. */
export type SlotId = Brand<string, 'SlotId'>
/** One try to run one subtask: `<jobId>_<vertexId>_<subtask>_<attempt>`. */
export type AttemptId = Brand<string, 'AttemptId'>
/** Allocation of a slot to a job, chosen by the JobManager. */
export type AllocationId = Brand<string, 'AllocationId'>

export function attemptIdOf(
  jobId: string,
  vertexId: string,
  subtaskIndex: number,
  attempt: number,
): AttemptId {
  return `${jobId}_${vertexId}_${subtaskIndex}_${attempt}` as AttemptId
}

/** The part of an operator's id that says what its state is made of. */
const IDENTITY_DIGITS = 16
const PART_DIGITS = 8

/**
 * An operator's id, 32 hex digits. Half of it says what its state is made of, a quarter which rows
 * go into it, and a quarter what is kept of them: so a restore can tell operators apart that differ
 * in a filter or an aggregate alone, and still find the state of one in which that was changed.
 */
export function operatorId(identity: string, filter: string, content: string): string {
  return (
    stableId(identity).slice(0, IDENTITY_DIGITS) +
    stableId(filter).slice(0, PART_DIGITS) +
    stableId(content).slice(0, PART_DIGITS)
  )
}

/**
 * The id that an operator would have if sources went by the names of their tables: as builds before
 * stored it, and for a table that reads more or less now than it did.
 */
export interface TableNamedId {
  readonly id: string
  /** What the sources below read, as their connectors say it; sorted. */
  readonly reads: readonly string[]
}

/** By what keys, windows and inputs. */
export function operatorIdentity(id: string): string {
  return id.slice(0, IDENTITY_DIGITS)
}

/** Which rows go in. */
export function operatorFilter(id: string): string {
  return id.slice(IDENTITY_DIGITS, IDENTITY_DIGITS + PART_DIGITS)
}

/** What is kept of them: the aggregates. */
export function operatorContent(id: string): string {
  return id.slice(IDENTITY_DIGITS + PART_DIGITS)
}

/** 16 random bytes → 32 hex digits. */
export function hexId(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/**
 * A stable 32-hex id from text (FNV-1a over 4 lanes): operator and vertex ids derived from the
 * query's structure.
 */
export function stableId(text: string): string {
  let result = ''
  for (let lane = 0; lane < 4; lane++) {
    let hash = (0x811c9dc5 ^ Math.imul(lane + 1, 0x9e3779b1)) >>> 0
    for (let i = 0; i < text.length; i++) {
      hash ^= text.charCodeAt(i)
      hash = Math.imul(hash, 0x01000193) >>> 0
    }
    hash ^= hash >>> 15
    hash = Math.imul(hash, 0x85ebca6b) >>> 0
    hash ^= hash >>> 13
    result += (hash >>> 0).toString(16).padStart(8, '0')
  }
  return result
}
