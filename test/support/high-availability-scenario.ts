/**
 * Three JobManagers and two TaskManagers as processes: the leader is killed twice and once put to
 * sleep beyond its lease while a job over files runs. The output is what a plain computation gives,
 * and what ended stays ended.
 *
 * The same wherever the cluster keeps its lease, its jobs and its checkpoints: a
 * directory, a bucket.
 */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { RestClient } from '@millrace/rest-api'
import { type Leader, LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import type { SpawnedProcess } from '../../packages/distribution/src/cluster/spawn-process.ts'
import { mainJobSql } from '../../packages/distribution/src/start/main-job.ts'
import { fileResultTail } from '../../packages/distribution/src/start/result-tail.ts'
import { randomReadings } from './random-readings.ts'
import { sqlRunner } from './run-sql.ts'
import {
  type Aggregate,
  compareAggregates,
  expectedAggregates,
  isRight,
  type Reading,
} from './sensor-oracle.ts'

const LEASE_MS = 3000
const SEED = 4711
const READINGS_A_STEP = 20
const FLUSH_SENSOR = 'flush'

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Polls until `look` gives something; a rejection counts as nothing. */
async function until<T>(
  what: string,
  look: () => Promise<T | null | false>,
  timeoutMs = 300_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  let last: unknown = 'nothing'
  while (Date.now() < deadline) {
    try {
      const found = await look()
      if (found !== null && found !== false) return found
      last = 'nothing'
    } catch (error) {
      last = error
    }
    await pause(100)
  }
  throw new Error(`Waited in vain for ${what}: ${last}`)
}

/** Files that grow, a partition each. */
class Feed {
  readonly #files: string[]
  readonly #partitions: readonly Reading[][]
  #fed = 0
  constructor(directory: string, partitions: readonly Reading[][]) {
    mkdirSync(directory, { recursive: true })
    this.#partitions = partitions
    this.#files = partitions.map((_, n) => join(directory, `partition-${n}.jsonl`))
    for (const file of this.#files) writeFileSync(file, '')
  }

  get isDone(): boolean {
    return this.#partitions.every((readings) => this.#fed >= readings.length)
  }

  step(): void {
    const until = this.#fed + READINGS_A_STEP
    this.#append((n) => this.#partitions[n]?.slice(this.#fed, until) ?? [])
    this.#fed = until
  }

  /** Readings far ahead, so that every window before them closes. */
  flush(): void {
    const event_time = '2030-01-01T00:00:00.000'
    this.#append(() => [{ sensor_id: FLUSH_SENSOR, temperature: 0, humidity: 0, event_time }])
  }

  #append(readingsOf: (partition: number) => readonly Reading[]): void {
    this.#files.forEach((file, n) => {
      const text = readingsOf(n).map((reading) => `${JSON.stringify(reading)}\n`)
      appendFileSync(file, text.join(''))
    })
  }
}

/** Where a cluster keeps what outlives its processes. */
export interface SharedStorage {
  /** Of every process. */
  readonly properties: Readonly<Record<string, string>>
  /** `execution.checkpointing.dir`, and more that the job shall have. */
  readonly checkpointProperties: Readonly<Record<string, string>>
  /** Whether anything is there of a job's checkpoints. */
  hasCheckpoints(jobId: string): Promise<boolean>
  /** Everything that is kept there, for people who may read it. */
  contents(): Promise<string>
  /** In `properties`, for nobody else to see; null: nothing is secret. */
  readonly secret: string | null
  /**
   * Nobody reaches it until the returned function has been called; null: that cannot be had here.
   */
  readonly interrupt: (() => Promise<() => Promise<void>>) | null
  dispose(): Promise<void>
}

/**
 * Declares the tests; `open` is called before the first, with a directory that goes after the last.
 */
export function testThreeJobManagers(
  name: string,
  open: (directory: string) => Promise<SharedStorage>,
  options: {
    readonly skip?: string | false
    /** Whether `interrupt` is there, or why not here; absent: such storage is never away. */
    readonly interruption?: true | string
  } = {},
): void {
  const { skip = false, interruption = null } = options
  describe(`three JobManagers on ${name}`, { skip }, () => scenario(open, interruption))
}

function scenario(
  open: (directory: string) => Promise<SharedStorage>,
  interruption: true | string | null,
): void {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-ha-'))
  const tail = fileResultTail(join(directory, 'out'))
  const readings = randomReadings({ seed: SEED, count: 6000, partitions: 3, filledPartitions: 3 })
  const feed = new Feed(join(directory, 'in'), readings)
  const expected = expectedAggregates(readings.flat())
  const rows: Aggregate[] = []
  let storage: SharedStorage
  let cluster: LocalCluster
  let jobId: string
  let feeding: NodeJS.Timeout

  const clientOf = (process: SpawnedProcess) =>
    new RestClient(
      cluster.restAddresses[cluster.jobManagers.indexOf(process)] as string,
      (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(20_000) }),
    )
  const leaderNot = (former: Leader | null) =>
    until('a new leader', async () => {
      const leader = await cluster.leader()
      return leader !== null && leader.record.epoch > (former?.record.epoch ?? 0) && leader
    })
  /** The job runs under this leader, and one of its checkpoints is complete. */
  const goesOn = (leader: Leader) =>
    until(`the job to go on under epoch ${leader.record.epoch}`, async () => {
      const { counts, latest } = await clientOf(leader.process).jobCheckpoints(jobId)
      return counts.completed > 0 && latest.completed
    })
  const standbyOf = async () => {
    const leader = await leaderNot(null)
    const alive = (process: SpawnedProcess) =>
      process.child.exitCode === null && process.child.signalCode === null
    return cluster.jobManagers.find((one) => alive(one) && one !== leader.process) as SpawnedProcess
  }

  before(async () => {
    storage = await open(directory)
    cluster = await LocalCluster.start({
      directory: join(directory, 'logs'),
      jobManagers: 3,
      taskManagers: 2,
      slotsPerTaskManager: 2,
      properties: {
        'high-availability.filesystem.leader-election.lease-duration': `${LEASE_MS} ms`,
        'high-availability.filesystem.leader-election.renew-deadline': '2 s',
        'high-availability.filesystem.leader-election.retry-period': '400 ms',
        ...storage.properties,
      },
    })
    await cluster.ready()
  })
  after(async () => {
    clearInterval(feeding)
    await cluster?.stop()
    await storage?.dispose()
    rmSync(directory, { recursive: true, force: true })
  })

  it('take a job at any of them', async () => {
    // A file that was found empty holds the watermark for a second only: the rows of a step that
    // came into the other files first could make its own first rows late. So none is empty when the
    // job looks.
    feed.step()
    const runner = sqlRunner(clientOf(await standbyOf()).baseUrl)
    jobId = await runner.submit(
      mainJobSql(
        {
          connector: 'filesystem',
          path: join(directory, 'in'),
          'source.monitor-interval': '100 ms',
        },
        { connector: 'filesystem', path: join(directory, 'out') },
        {
          'parallelism.default': '2',
          'execution.checkpointing.interval': '200 ms',
          ...storage.checkpointProperties,
        },
      ),
    )
    await runner.close()
    feeding = setInterval(() => feed.isDone || feed.step(), 150)
    await goesOn(await leaderNot(null))
  })

  for (const kill of ['first', 'second']) {
    it(`go on with it when the leader is killed, the ${kill} time`, async () => {
      const leader = await leaderNot(null)
      leader.process.child.kill('SIGKILL')
      const next = await leaderNot(leader)
      const checkpoint = await goesOn(next)
      assert.ok(checkpoint.id > 1)
      await until('it to have gone on from a checkpoint', async () => {
        return (await clientOf(next.process).jobCheckpoints(jobId)).latest.restored
      })
      const replacement = await cluster.addJobManager()
      await replacement.ready
    })
  }

  it('let a leader that slept beyond its lease do no harm', async () => {
    const leader = await leaderNot(null)
    leader.process.child.kill('SIGSTOP')
    const next = await leaderNot(leader)
    await goesOn(next)
    leader.process.child.kill('SIGCONT')
    await until('the former leader to answer for the new one', async () => {
      const former = clientOf(leader.process)
      const { taskmanagers } = await former.overview()
      return taskmanagers === 2 && (await former.jobDetail(jobId)).state === 'RUNNING'
    })
    // On a busy machine the new one may have missed a renewal too: then a third leads.
    assert.ok((await leaderNot(leader)).record.epoch >= next.record.epoch)
  })

  if (interruption !== null) {
    const needsInterruption = { skip: interruption !== true && interruption }
    it(
      'go on when what they share was away for longer than a lease lasts',
      needsInterruption,
      async () => {
        const leader = await leaderNot(null)
        const restore = await storage.interrupt?.()
        await pause(LEASE_MS + 1000)
        const client = clientOf(leader.process)
        const refusal = await client.jobDetail(jobId).catch((error) => error)
        assert.equal(refusal.code, 'NOT_LEADER')
        await restore?.()
        await goesOn(await leaderNot(leader))
      },
    )
  }

  it('show what is secret to nobody', async () => {
    const seen: string[] = [await storage.contents()]
    for (const path of ['/jobmanager/config', '/config', `/jobs/${jobId}/config`]) {
      // On a busy machine a leader may miss its renewal: until the next one leads the
      // answer is 503.
      const text = await until(`an answer to ${path}`, async () => {
        const { baseUrl } = clientOf((await leaderNot(null)).process)
        const response = await fetch(`${baseUrl}${path}`)
        if (response.status === 503) return false
        assert.equal(response.status, 200, path)
        return response.text()
      })
      seen.push(text)
    }
    const logs = join(directory, 'logs')
    for (const name of readdirSync(logs)) {
      if (name.endsWith('.log')) seen.push(readFileSync(join(logs, name), 'utf8'))
    }
    assert.ok(seen.every((text) => text !== ''))
    const { secret } = storage
    assert.ok(secret === null || !seen.some((text) => text.includes(secret)))
  })

  it('give each result once and right', async () => {
    await until('all input', async () => feed.isDone)
    feed.flush()
    const comparison = await until('all output', async () => {
      rows.push(...((await tail.next()) as Aggregate[]))
      const real = rows.filter((row) => row.sensor_id !== FLUSH_SENSOR)
      const seen = compareAggregates(expected, real)
      return (seen.missing.length === 0 || !isRight({ ...seen, missing: [] })) && seen
    })
    assert.deepEqual(comparison, { missing: [], doubled: [], wrong: [], unexpected: [] })
  })

  it('remember under the next leader how the job ended', async () => {
    const leader = await leaderNot(null)
    const first = clientOf(await standbyOf())
    await until('the cancellation', () => first.cancelJob(jobId).then(() => true))
    await until('the end of the job', async () => {
      return (await clientOf(leader.process).jobDetail(jobId)).state === 'CANCELED'
    })
    await until('its checkpoints to go', async () => {
      return !(await storage.hasCheckpoints(jobId))
    })
    leader.process.child.kill('SIGKILL')
    const next = await leaderNot(leader)
    const jobs = await until('the next leader to answer', () => clientOf(next.process).listJobs())
    assert.deepEqual(jobs.jobs, [{ id: jobId, status: 'CANCELED' }])
    const standby = clientOf(await standbyOf())
    const detail = await until('a standby to answer', () => standby.jobDetail(jobId))
    assert.equal(detail.state, 'CANCELED')
  })
}
