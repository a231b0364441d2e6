/**
 * Job graphs in the object store: `jobs/<id>/graph` holds a submission, `jobs/<id>/record`
 * what became of it.
 *
 * The graph's creation is the moment of the submission. The lease is read after it: if we still led
 * then, the next leader, who begins later, finds the graph.
 */
import { isMillraceError, toErrorData } from '@millrace/core'
import { jobManagerError } from '../error-codes.ts'
import { requireGraphVersion } from './graph-version.ts'
import type { JobRecord } from './job-record.ts'
import type { JobStore, RecoveredJobs, StoredJob } from './job-store.ts'
import { decodeJobRecord, StoredJobRecord } from './stored-job-record.ts'
import { type StoreAccess, whileLeading, writeResolved } from './write-resolved.ts'

export class StoredJobStore implements JobStore {
  readonly isDurable = true
  readonly attemptLineage: string
  readonly #access: StoreAccess
  readonly #prefix: string

  constructor(access: StoreAccess, clusterPath: string) {
    this.#access = access
    this.attemptLineage = `e${access.leadership.epoch}`
    this.#prefix = `${clusterPath}/jobs/`
  }

  #graphKey(jobId: string): string {
    return `${this.#prefix}${jobId}/graph`
  }

  #recordKey(jobId: string): string {
    return `${this.#prefix}${jobId}/record`
  }

  async recover(): Promise<RecoveredJobs> {
    const keys = await whileLeading(this.#access, () => this.#access.store.list(this.#prefix))
    const jobIds = new Set(keys.map((key) => key.slice(this.#prefix.length).split('/')[0] ?? ''))
    const running: RecoveredJobs['running'][number][] = []
    const ended: RecoveredJobs['ended'][number][] = []
    const damaged: RecoveredJobs['damaged'][number][] = []
    for (const jobId of jobIds) {
      try {
        const found = await this.#recoverJob(jobId)
        if (found === null) continue
        if ('result' in found) ended.push(found)
        else running.push(found)
      } catch (error) {
        if (isMillraceError(error, 'LEADERSHIP_LOST')) throw error
        damaged.push({ jobId, error: toErrorData(error) })
      }
    }
    running.sort((a, b) => a.submittedMs - b.submittedMs)
    ended.sort((a, b) => a.result.endMs - b.result.endMs)
    return { running, ended, damaged }
  }

  async #recoverJob(
    jobId: string,
  ): Promise<RecoveredJobs['running'][number] | RecoveredJobs['ended'][number] | null> {
    const stored = await this.#read(jobId)
    const record = await this.#sealOrRead(jobId, stored !== null)
    if (record === null) return null
    const { result, retained } = record
    if (result !== null) {
      return { jobId, result, stored: stored === null ? null : { ...stored, retained } }
    }
    return stored === null || !(record instanceof StoredJobRecord) ? null : { ...stored, record }
  }

  /** Without a graph there is nothing to run, so the record is only read. */
  async #sealOrRead(jobId: string, hasGraph: boolean) {
    const key = this.#recordKey(jobId)
    if (hasGraph) return StoredJobRecord.seal(this.#access, key)
    const object = await whileLeading(this.#access, () => this.#access.store.get(key))
    return object === null ? null : decodeJobRecord(object.bytes, key)
  }

  async #read(jobId: string): Promise<StoredJob | null> {
    const key = this.#graphKey(jobId)
    const object = await whileLeading(this.#access, () => this.#access.store.get(key))
    return object === null ? null : decodeStoredJob(object.bytes, key)
  }

  async add(job: StoredJob): Promise<JobRecord> {
    const { jobId } = job.jobGraph
    const { store, leadership } = this.#access
    const key = this.#recordKey(jobId)
    const before = await whileLeading(this.#access, () => store.get(key))
    const ended = before === null ? null : decodeJobRecord(before.bytes, key).result
    if (ended !== null) {
      throw jobManagerError(
        'JOB_ALREADY_SUBMITTED',
        `Job ${jobId} was submitted before; it is ${ended.state}.`,
        { hint: 'Choose a new job id for each submission.' },
      )
    }
    const bytes = new TextEncoder().encode(JSON.stringify(job))
    // The same graph is there when an earlier try was not acknowledged: this one takes it up.
    const isOurs = (seen: Uint8Array) => isSameGraph(decodeStoredJob(seen, key), job)
    if ((await writeResolved(this.#access, this.#graphKey(jobId), bytes, null, isOurs)) === null) {
      throw jobManagerError(
        'JOB_ALREADY_SUBMITTED',
        `Another job was submitted with the id ${jobId}.`,
        { hint: 'Choose a new job id for each submission.' },
      )
    }
    const record = await StoredJobRecord.seal(this.#access, key)
    await whileLeading(this.#access, () => leadership.confirm())
    return record
  }

  async removeGraph(jobId: string): Promise<void> {
    await whileLeading(this.#access, () => this.#access.store.remove(this.#graphKey(jobId)))
  }

  /** The graph first: without the record it would be run again. */
  async forget(jobId: string): Promise<void> {
    await this.removeGraph(jobId)
    await whileLeading(this.#access, () => this.#access.store.remove(this.#recordKey(jobId)))
  }
}

function isSameGraph(a: StoredJob, b: StoredJob): boolean {
  return JSON.stringify(a.jobGraph) === JSON.stringify(b.jobGraph)
}

/** Throws JOB_RECORD_DAMAGED, and JOB_GRAPH_VERSION_UNSUPPORTED. */
function decodeStoredJob(bytes: Uint8Array, key: string): StoredJob {
  const stored = parseStoredJob(bytes)
  if (stored !== null) {
    requireGraphVersion(stored.jobGraph, `the stored job '${stored.jobGraph.name}' ('${key}')`)
    return stored
  }
  throw jobManagerError('JOB_RECORD_DAMAGED', `The stored job '${key}' cannot be read.`, {
    hint: 'It was changed by something else, or by another version of Millrace.',
  })
}

/** Null: it is damaged. */
function parseStoredJob(bytes: Uint8Array): StoredJob | null {
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as StoredJob
    const isJob =
      typeof value.jobGraph?.jobId === 'string' && typeof value.configuration === 'object'
    return isJob ? value : null
  } catch {
    return null
  }
}
