/**
 * A job's record in the object store, written under the epoch of one leader.
 *
 * A new leader first seals it with its own epoch: from then on a former one's writes, which expect
 * the version before, are refused, so a checkpoint that it completes late never counts. Writes go
 * one after another, and each is resolved before the next begins.
 */
import type { ErrorData } from '@millrace/core'
import { jobManagerError } from '../error-codes.ts'
import type { ResourceRequirements } from '../scheduler/resource-requirements.ts'
import type { JobRecord, JobResult, JobStop } from './job-record.ts'
import { leadershipLost, type StoreAccess, whileLeading, writeResolved } from './write-resolved.ts'

export interface JobRecordContent {
  readonly epoch: number
  /** Counts the writes of one leader. */
  readonly revision: number
  /** Largest checkpoint id that may have been given out. */
  readonly idCeiling: number
  readonly retained: readonly number[]
  readonly isCancelled: boolean
  /** Absent: none, or written by a build that did not know them. */
  readonly requirements?: ResourceRequirements
  /** Absent in records of earlier builds. */
  readonly stop?: JobStop | null
  readonly result: JobResult | null
}

export class StoredJobRecord implements JobRecord {
  readonly isDurable = true
  readonly retained: readonly number[]
  readonly firstCheckpointId: number
  readonly #access: StoreAccess
  readonly #key: string
  #content: JobRecordContent
  #version: string
  #chain: Promise<void> = Promise.resolve()

  private constructor(
    access: StoreAccess,
    key: string,
    sealed: { readonly content: JobRecordContent; readonly version: string },
  ) {
    this.#access = access
    this.#key = key
    this.#content = sealed.content
    this.#version = sealed.version
    this.retained = sealed.content.retained
    this.firstCheckpointId = sealed.content.idCeiling + 1
  }

  /** Takes the record over, or makes the first one. Rejects with LEADERSHIP_LOST. */
  static async seal(access: StoreAccess, key: string): Promise<StoredJobRecord> {
    const { epoch } = access.leadership
    for (;;) {
      const seen = await whileLeading(access, () => access.store.get(key))
      const before = seen === null ? FIRST : decodeJobRecord(seen.bytes, key)
      if (before.epoch > epoch) throw fenced(access, before.epoch)
      const content = {
        ...before,
        epoch,
        revision: before.epoch === epoch ? before.revision + 1 : 0,
      }
      const version = await write(access, key, content, seen?.version ?? null)
      if (version !== null) return new StoredJobRecord(access, key, { content, version })
    }
  }

  get isCancelled(): boolean {
    return this.#content.isCancelled
  }

  get requirements(): ResourceRequirements | null {
    return this.#content.requirements ?? null
  }

  get result(): JobResult | null {
    return this.#content.result
  }

  async reserve(checkpointId: number): Promise<void> {
    if (checkpointId <= this.#content.idCeiling) return
    await this.#update((content) => ({
      ...content,
      idCeiling: Math.max(content.idCeiling, checkpointId),
    }))
  }

  /** With the id of the next checkpoint, so that it needs no write of its own. */
  advance(retained: readonly number[]): Promise<void> {
    return this.#update((content) => ({
      ...content,
      retained,
      idCeiling: Math.max(content.idCeiling, (retained.at(-1) as number) + 1),
    }))
  }

  require(requirements: ResourceRequirements): Promise<void> {
    return this.#update((content) => ({ ...content, requirements }))
  }

  get stop(): JobStop | null {
    return this.#content.stop ?? null
  }

  beginStop(path: string): Promise<void> {
    return this.#update((content) => ({ ...content, stop: { path, isDecided: false } }))
  }

  decideStop(path: string): Promise<void> {
    return this.#update((content) => ({ ...content, stop: { path, isDecided: true } }))
  }

  requestCancel(): Promise<void> {
    return this.#update((content) => ({ ...content, isCancelled: true }))
  }

  end(result: JobResult): Promise<void> {
    return this.#update((content) => ({ ...content, result }))
  }

  #update(change: (content: JobRecordContent) => JobRecordContent): Promise<void> {
    const step = this.#chain.then(async () => {
      const content = { ...change(this.#content), revision: this.#content.revision + 1 }
      const version = await write(this.#access, this.#key, content, this.#version)
      if (version === null) throw fenced(this.#access, null)
      this.#content = content
      this.#version = version
    })
    this.#chain = step.catch(() => {})
    return step
  }
}

const FIRST: JobRecordContent = {
  epoch: 0,
  revision: 0,
  idCeiling: 0,
  retained: [],
  isCancelled: false,
  result: null,
}

function write(
  access: StoreAccess,
  key: string,
  content: JobRecordContent,
  expected: string | null,
): Promise<string | null> {
  const bytes = new TextEncoder().encode(JSON.stringify(content))
  return writeResolved(access, key, bytes, expected, (seen) => {
    const { epoch, revision } = decodeJobRecord(seen, key)
    return epoch === content.epoch && revision === content.revision
  })
}

function fenced({ leadership }: StoreAccess, epoch: number | null) {
  leadership.giveUp(
    epoch === null
      ? 'another JobManager has taken over a job'
      : `another JobManager has taken over a job under epoch ${epoch}`,
  )
  return leadershipLost(leadership)
}

/** Throws JOB_RECORD_DAMAGED. */
export function decodeJobRecord(bytes: Uint8Array, key: string): JobRecordContent {
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as JobRecordContent
    const { epoch, revision, idCeiling, retained, isCancelled, result } = value
    const error = (result?.failureCause ?? null) as ErrorData | null
    const numbers = [epoch, revision, idCeiling, ...retained].every(Number.isSafeInteger)
    if (numbers && typeof isCancelled === 'boolean' && typeof error === 'object') return value
  } catch {
    // Said below.
  }
  throw jobManagerError('JOB_RECORD_DAMAGED', `The stored record '${key}' cannot be read.`, {
    hint: 'It was changed by something else, or by another version of Millrace.',
  })
}
