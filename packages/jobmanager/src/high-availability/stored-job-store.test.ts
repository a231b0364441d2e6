/**
 * Jobs and checkpoint pointers in the object store: what a new leader finds, and what a former
 * one can still do.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { JOB_GRAPH_VERSION, type JobGraph } from '@millrace/graph'
import { JOB_ID, pipeline } from '../testing/cluster-harness.ts'
import { ManualClock, settle } from '../testing/manual-clock.ts'
import { MemoryObjectStore, MemoryObjects } from '../testing/memory-object-store.ts'
import type { JobResult } from './job-record.ts'
import type { Leadership } from './leader-election.ts'
import type { JobRecordContent } from './stored-job-record.ts'
import { StoredJobStore } from './stored-job-store.ts'
import { leadershipLost } from './write-resolved.ts'

const RESULT: JobResult = {
  name: 'pipeline',
  jobType: 'STREAMING',
  state: 'FINISHED',
  startMs: 1,
  endMs: 2,
  failureCause: null,
  checkpoints: [],
}
const RECORD = `c/jobs/${JOB_ID}/record`
const GRAPH = `c/jobs/${JOB_ID}/graph`
const job = (jobGraph: JobGraph = pipeline(1)) => ({
  jobGraph,
  configuration: { a: 'b' },
  submittedMs: 7,
})

/** A JobManager that leads under `epoch` until told otherwise. */
class Leader {
  readonly clock: ManualClock
  readonly client: MemoryObjectStore
  readonly store: StoredJobStore
  readonly lost: string[] = []
  #holds = true

  constructor(objects: MemoryObjects, epoch: number, clock = new ManualClock()) {
    this.clock = clock
    this.client = new MemoryObjectStore(objects)
    const leadership: Leadership = {
      epoch,
      holds: () => this.#holds,
      confirm: async () => {
        if (!this.#holds) throw leadershipLost(leadership)
      },
      giveUp: (reason) => {
        if (this.#holds) this.lost.push(reason)
        this.#holds = false
      },
    }
    this.store = new StoredJobStore({ store: this.client, clock, leadership }, 'c')
  }

  end(): void {
    this.#holds = false
  }

  /** The job's sealed record. */
  async recovered() {
    const { running } = await this.store.recover()
    assert.equal(running.length, 1)
    return running[0]?.record as (typeof running)[number]['record']
  }
}

test('A job that was added is found by the next leader, with its configuration, in order of submission', async () => {
  const objects = new MemoryObjects()
  const first = new Leader(objects, 1)
  const later = { ...pipeline(1), jobId: '0'.repeat(32) }
  await first.store.add({ ...job(later), submittedMs: 9 })
  await first.store.add(job())
  const { running, ended, damaged } = await new Leader(objects, 2).store.recover()
  assert.deepEqual([ended, damaged], [[], []])
  assert.deepEqual(
    running.map(({ jobGraph }) => jobGraph.jobId),
    [JOB_ID, later.jobId],
  )
  assert.deepEqual(running[0]?.configuration, { a: 'b' })
  assert.deepEqual(running[0]?.record.retained, [])
})

test('A job is not submitted twice: neither while it runs, nor after its end, nor to another leader', async () => {
  const objects = new MemoryObjects()
  const first = new Leader(objects, 1)
  const record = await first.store.add(job())
  const other = job({ ...pipeline(2), name: 'other' })
  await assert.rejects(first.store.add(other), { code: 'JOB_ALREADY_SUBMITTED' })
  const second = new Leader(objects, 2)
  await assert.rejects(second.store.add(other), { code: 'JOB_ALREADY_SUBMITTED' })
  await record.end(RESULT)
  await first.store.removeGraph(JOB_ID)
  await assert.rejects(second.store.add(job()), {
    code: 'JOB_ALREADY_SUBMITTED',
    message: /it is FINISHED/,
  })
})

test('A submission that was not acknowledged is taken up by the next try', async () => {
  const objects = new MemoryObjects()
  const first = new Leader(objects, 1)
  first.client.writeFaults.push({ suffix: 'record', fault: 'held' })
  const unanswered = first.store.add(job())
  await settle()
  await new Leader(objects, 2).store.add(job())
  first.client.release()
  await assert.rejects(unanswered, { code: 'LEADERSHIP_LOST' })
  assert.equal(objects.json<JobRecordContent>(RECORD).epoch, 2)
})

test('A submission is not acknowledged by one that had stopped leading when it was durable', async () => {
  const objects = new MemoryObjects()
  const first = new Leader(objects, 1)
  first.client.writeFaults.push({ suffix: 'graph', fault: 'held' })
  const submission = first.store.add(job())
  await settle()
  // The next leader has looked for jobs by now, and found none.
  assert.deepEqual((await new Leader(objects, 2).store.recover()).running, [])
  first.end()
  first.client.release()
  await assert.rejects(submission, { code: 'LEADERSHIP_LOST' })
})

for (const fault of ['lost', 'applied'] as const) {
  test(`A submission whose writes report errors (${fault}) is durable when it is acknowledged`, async () => {
    const objects = new MemoryObjects()
    const leader = new Leader(objects, 1)
    leader.client.writeFaults.push({ suffix: 'graph', fault }, { suffix: 'record', fault })
    const submission = leader.store.add(job())
    await leader.clock.advance(1000)
    const record = await submission
    assert.deepEqual(objects.keys(), [GRAPH, RECORD])
    for (const suffix of ['record', 'record']) leader.client.writeFaults.push({ suffix, fault })
    const advanced = record.advance([3])
    await leader.clock.advance(1000)
    await advanced
    assert.deepEqual(objects.json<JobRecordContent>(RECORD).retained, [3])
  })
}

test('After a takeover a former leader completes no checkpoint, and learns that it leads no more', async () => {
  const objects = new MemoryObjects()
  const first = new Leader(objects, 1)
  const old = await first.store.add(job())
  await old.advance([1])
  const record = await new Leader(objects, 2).recovered()
  assert.deepEqual(record.retained, [1])
  await assert.rejects(old.advance([1, 2]) as Promise<void>, { code: 'LEADERSHIP_LOST' })
  assert.deepEqual(first.lost, ['another JobManager has taken over a job'])
  await record.advance([1, 3])
  assert.deepEqual(objects.json<JobRecordContent>(RECORD).retained, [1, 3])
})

test('A write that was under way during the takeover is refused when it arrives', async () => {
  const objects = new MemoryObjects()
  const first = new Leader(objects, 1)
  const old = await first.store.add(job())
  await old.advance([1])
  first.client.writeFaults.push({ suffix: 'record', fault: 'held' })
  const late = old.advance([1, 2]) as Promise<void>
  await settle()
  assert.ok(first.client.isHolding)
  const record = await new Leader(objects, 2).recovered()
  first.client.release()
  await assert.rejects(late, { code: 'LEADERSHIP_LOST' })
  assert.deepEqual(record.retained, [1])
  assert.deepEqual(objects.json<JobRecordContent>(RECORD).retained, [1])
})

test('A former leader seals nothing, and ends no job', async () => {
  const objects = new MemoryObjects()
  const first = new Leader(objects, 1)
  const old = await first.store.add(job())
  await new Leader(objects, 2).recovered()
  await assert.rejects(first.store.recover(), { code: 'LEADERSHIP_LOST' })
  await assert.rejects(old.end(RESULT) as Promise<void>, { code: 'LEADERSHIP_LOST' })
  assert.equal(objects.json<JobRecordContent>(RECORD).result, null)
})

test('Checkpoint ids of two leaders are disjoint, with at most one left out', async () => {
  const objects = new MemoryObjects()
  const old = await new Leader(objects, 1).store.add(job())
  assert.equal(old.firstCheckpointId, 1)
  await old.reserve(1)
  await old.advance([1])
  // Covered by the write before.
  const { revision } = objects.json<JobRecordContent>(RECORD)
  await old.reserve(2)
  assert.equal(objects.json<JobRecordContent>(RECORD).revision, revision)
  const second = await new Leader(objects, 2).recovered()
  assert.equal(second.firstCheckpointId, 3)
  await assert.rejects(old.reserve(3), { code: 'LEADERSHIP_LOST' })
  await second.reserve(3)
  await second.reserve(4)
  assert.equal((await new Leader(objects, 3).recovered()).firstCheckpointId, 5)
})

test('A job that has ended is not run again, even when its graph is still there', async () => {
  const objects = new MemoryObjects()
  const first = new Leader(objects, 1)
  const record = await first.store.add(job())
  await record.advance([4])
  await record.end(RESULT)
  const next = new Leader(objects, 2)
  const { running, ended } = await next.store.recover()
  assert.deepEqual(running, [])
  assert.deepEqual(ended[0]?.result, RESULT)
  assert.deepEqual(ended[0]?.stored?.retained, [4])
  await next.store.removeGraph(JOB_ID)
  const again = await new Leader(objects, 3).store.recover()
  assert.deepEqual(again.ended, [{ jobId: JOB_ID, result: RESULT, stored: null }])
  await next.store.forget(JOB_ID)
  assert.deepEqual(objects.keys(), [])
})

test('A cancellation is remembered', async () => {
  const objects = new MemoryObjects()
  const record = await new Leader(objects, 1).store.add(job())
  assert.equal(record.isCancelled, false)
  await record.requestCancel()
  assert.equal((await new Leader(objects, 2).recovered()).isCancelled, true)
})

test('While the store does not answer a write is tried again, until the leadership ends', async () => {
  const objects = new MemoryObjects()
  const leader = new Leader(objects, 1)
  const record = await leader.store.add(job())
  leader.client.isCut = true
  const first = record.advance([1]) as Promise<void>
  await leader.clock.advance(20_000)
  leader.client.isCut = false
  await leader.clock.advance(2000)
  await first
  leader.client.isCut = true
  const second = record.advance([2]) as Promise<void>
  const refused = assert.rejects(second, { code: 'LEADERSHIP_LOST' })
  await leader.clock.advance(20_000)
  leader.end()
  await leader.clock.advance(2000)
  await refused
  assert.deepEqual(objects.json<JobRecordContent>(RECORD).retained, [1])
})

test('What cannot be read is reported and stays', async () => {
  const objects = new MemoryObjects()
  const first = new Leader(objects, 1)
  await first.store.add(job())
  objects.putIf(GRAPH, new TextEncoder().encode('{'), objects.get(GRAPH)?.version as string)
  const { running, damaged } = await new Leader(objects, 2).store.recover()
  assert.deepEqual(running, [])
  assert.equal(damaged[0]?.jobId, JOB_ID)
  assert.equal(damaged[0]?.error.code, 'JOB_RECORD_DAMAGED')
  assert.deepEqual(objects.keys(), [GRAPH, RECORD])
})

const STORED = join(import.meta.dirname, 'testdata')
const storedJob = (format: number) => readFileSync(join(STORED, `stored-job-format-${format}.json`))

/** A cluster whose earlier leader stored that submission. */
async function recoveredFrom(bytes: Uint8Array) {
  const objects = new MemoryObjects()
  const { jobId } = (JSON.parse(bytes.toString()) as { jobGraph: JobGraph }).jobGraph
  const { client } = new Leader(objects, 1)
  await client.putIf(`c/jobs/${jobId}/graph`, bytes, null)
  return new Leader(objects, 2).store.recover()
}

test('A job that this format stored is run', async () => {
  const { running, damaged } = await recoveredFrom(storedJob(JOB_GRAPH_VERSION))
  assert.deepEqual(damaged, [])
  assert.equal(running[0]?.jobGraph.name, 'sensor-aggregator')
})

test('A job that another format stored, an earlier or a later one, is refused by name and stays stored', async () => {
  const later = JSON.parse(storedJob(JOB_GRAPH_VERSION).toString())
  later.jobGraph.formatVersion = 99
  for (const [bytes, format] of [
    [storedJob(1), 1],
    [new TextEncoder().encode(JSON.stringify(later)), 99],
  ] as const) {
    const { running, damaged } = await recoveredFrom(Buffer.from(bytes))
    assert.deepEqual(running, [])
    assert.equal(damaged[0]?.error.code, 'JOB_GRAPH_VERSION_UNSUPPORTED')
    assert.match(
      String(damaged[0]?.error.message),
      new RegExp(
        `^Submit the job again: the stored job 'sensor-aggregator' .* has format ${format},`,
      ),
    )
  }
})
