/**
 * Incremental checkpoints of a job on real processes, wherever they are kept: what hardly changed
 * is hardly written, a killed TaskManager costs nothing of it, and nothing is left behind.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { CheckpointEntry } from '@millrace/rest-api'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import type { SpawnedProcess } from '../../packages/distribution/src/cluster/spawn-process.ts'
import { millrace } from '../end-to-end/bad-input-fixture.ts'
import { type SqlRunner, sqlRunner } from './run-sql.ts'
import { until } from './until.ts'

const KEYS = 20_000
const CHANGED = 200
const RETAINED = 2
/** A change of 1 % may write so much of the whole at most; each checkpoint has a metadata file. */
const WRITTEN_SHARE_MAX = 0.1

export interface CheckpointPlace {
  /** For every process. */
  readonly properties: Readonly<Record<string, string>>
  /** `execution.checkpointing.dir`. */
  readonly location: string
  /** Paths of all files in it. */
  files(): Promise<readonly string[]>
  dispose(): Promise<void>
}

/** Declares the tests; `open` is called before the first. */
export function testIncrementalCheckpoints(
  name: string,
  backends: readonly string[],
  open: (directory: string) => Promise<CheckpointPlace>,
  options: { readonly skip?: string | false } = {},
): void {
  describe(`incremental checkpoints in ${name}`, { skip: options.skip ?? false }, () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-incremental-'))
    let place: CheckpointPlace
    let cluster: LocalCluster
    let runner: SqlRunner

    before(async () => {
      place = await open(directory)
      cluster = await LocalCluster.start({
        directory: join(directory, 'logs'),
        taskManagers: 2,
        slotsPerTaskManager: 1,
        properties: {
          ...place.properties,
          'execution.checkpointing.dir': place.location,
          'execution.checkpointing.interval': '300 ms',
          'execution.checkpointing.incremental': 'true',
          'execution.checkpointing.local-backup.enabled': 'true',
          'execution.checkpointing.num-retained': String(RETAINED),
          'state.storage.fs.memory-threshold': '0',
          'restart-strategy.type': 'fixed-delay',
          'restart-strategy.fixed-delay.attempts': '100',
          'restart-strategy.fixed-delay.delay': '100 ms',
        },
      })
      await cluster.ready()
      runner = sqlRunner(cluster.restAddress)
    })
    after(async () => {
      await runner?.close()
      await cluster?.stop()
      await place?.dispose()
      rmSync(directory, { recursive: true, force: true })
    })

    for (const backend of backends) {
      it(`${backend}: writes what changed, restores all of it, leaves nothing`, async () => {
        const job = new CountingJob(cluster, runner, join(directory, backend))
        await job.start(backend)
        await job.addReadings(KEYS)
        await job.shows(KEYS, KEYS)
        await job.addReadings(CHANGED)
        await job.shows(KEYS, KEYS + CHANGED)
        const small = await until('a checkpoint writes what changed', () => job.smallCheckpoint())
        assert.ok(small.state_size > KEYS, JSON.stringify(small))

        const before = job.restoresFromCopies()
        const lost = cluster.taskManagers.at(-1) as SpawnedProcess
        lost.child.kill('SIGKILL')
        await cluster.addTaskManager().ready
        await job.restored()
        // The other one has copies of its own files.
        assert.ok(job.restoresFromCopies() > before)
        await job.addReadings(CHANGED)
        await job.shows(KEYS, KEYS + 2 * CHANGED)

        await job.showsItsState(place)
        await job.cancel()
        await until('no file of its checkpoints is left', async () => {
          const left = (await place.files()).filter((file) => file.includes(job.id))
          return left.length === 0
        })
      })
    }
  })
}

/** A count a key, and one row over all of them that it prints. */
class CountingJob {
  id = ''
  readonly #cluster: LocalCluster
  readonly #runner: SqlRunner
  readonly #input: string
  #files = 0

  constructor(cluster: LocalCluster, runner: SqlRunner, input: string) {
    this.#cluster = cluster
    this.#runner = runner
    this.#input = input
  }

  async start(backend: string): Promise<void> {
    mkdirSync(this.#input)
    this.id = await this.#runner.submit(`
      SET 'parallelism.default' = '2';
      SET 'state.backend.type' = '${backend}';
      CREATE TABLE readings (k BIGINT) WITH ('connector' = 'filesystem',
        'path' = '${this.#input}', 'format' = 'json', 'source.monitor-interval' = '100 ms');
      CREATE TABLE totals (keys BIGINT, readings BIGINT)
        WITH ('connector' = 'print', 'print-identifier' = '${backend}');
      INSERT INTO totals SELECT COUNT(*), SUM(n)
        FROM (SELECT k, COUNT(*) AS n FROM readings GROUP BY k);`)
  }

  /** One more of each of the first so many keys. */
  async addReadings(keys: number): Promise<void> {
    const lines = Array.from({ length: keys }, (_, k) => `{"k":${k}}\n`)
    const hidden = join(this.#input, `.part-${++this.#files}`)
    writeFileSync(hidden, lines.join(''))
    // It is there whole.
    renameSync(hidden, join(this.#input, `part-${this.#files}.json`))
  }

  async shows(keys: number, readings: number): Promise<void> {
    const row = `[${keys}, ${readings}]`
    await until(`job ${this.id} shows ${row}`, () =>
      this.#cluster.taskManagers.some(({ logFile }) => readFileSync(logFile, 'utf8').includes(row)),
    )
  }

  /** One that holds all keys, and wrote few of them. */
  async smallCheckpoint(): Promise<CheckpointEntry | null> {
    const { history } = await this.#runner.rest.jobCheckpoints(this.id)
    const isSmall = ({ status, state_size, checkpointed_size }: CheckpointEntry) =>
      status === 'COMPLETED' && checkpointed_size <= state_size * WRITTEN_SHARE_MAX
    return history.find(isSmall) ?? null
  }

  /** So far, of all tasks of the cluster. */
  restoresFromCopies(): number {
    const logs = this.#cluster.taskManagers.map(({ logFile }) => readFileSync(logFile, 'utf8'))
    return logs.join('').match(/state files read.*fromCopies\W+[1-9]/g)?.length ?? 0
  }

  async restored(): Promise<void> {
    await until('it goes on from a checkpoint', async () => {
      const { latest } = await this.#runner.rest.jobCheckpoints(this.id)
      const { state } = await this.#runner.rest.jobDetail(this.id)
      return state === 'RUNNING' && latest.restored
    })
  }

  /** A savepoint of it, beside its checkpoints, is read by a command that asks no cluster. */
  async showsItsState({ location, properties }: CheckpointPlace): Promise<void> {
    const rest = ['-D', `rest.port=${new URL(this.#cluster.restAddress).port}`]
    const taken = await millrace(['savepoint', this.id, `${location}/savepoints`, ...rest])
    const path = /is complete: (\S+)\n$/.exec(taken.stdout)?.[1]
    assert.ok(path !== undefined, taken.stdout + taken.stderr)
    const given = Object.entries(properties).flatMap(([key, value]) => ['-D', `${key}=${value}`])
    const { stdout, stderr } = await millrace(['state', 'inspect', path, ...given])
    assert.match(stdout, new RegExp(`\\| groups +\\| table +\\| +${KEYS} \\|`), stderr)
  }

  async cancel(): Promise<void> {
    await this.#runner.rest.cancelJob(this.id)
    await this.#runner.awaitJob(this.id, ({ state }) => state === 'CANCELED', 300_000)
  }
}
