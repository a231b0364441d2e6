/**
 * The promise of checkpoint storage, on a simulated disk: a checkpoint that was acknowledged is
 * whole and readable until it is discarded, whatever is killed, crashes or fails; and nothing that
 * looks complete is half.
 *
 * A JobManager and a TaskManager on hosts of their own take checkpoints and discard older ones over
 * several lives.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '@millrace/core'
import { DirectoryCheckpointStorage } from '@millrace/state'
import {
  restoreCheckpoint,
  takeCheckpoint,
} from '../../../../state/src/testing/checkpoint-writer.ts'
import {
  type OperatorContent,
  randomContent,
  seeded,
  sorted,
} from '../../../../state/src/testing/random-state.ts'
import type { SimulatedProcess } from '../../world/simulated-process.ts'
import { SimulatedWorld } from '../../world/simulated-world.ts'
import { simulatedClock } from '../simulated-clock.ts'
import { runUntil, settle } from '../testing/settle.ts'
import { type DiskFaultRates, NO_DISK_FAULTS } from './disk-faults.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import { SimulatedFilesystem } from './simulated-filesystem.ts'

const DIRECTORY = '/checkpoints/job'
const MAX_PARALLELISM = 4
const LIVES = 4
const CHECKPOINTS_A_LIFE = 6

const HOSTILE: DiskFaultRates = {
  ...NO_DISK_FAULTS,
  writeError: 0.01,
  syncError: 0.02,
  slowOperation: 0.02,
  slowSync: 0.02,
}

class Run {
  readonly world: SimulatedWorld
  readonly disk: SimulatedDisk
  readonly #contents = new Map<number, OperatorContent>()
  /** `complete` has resolved, and nobody has begun to discard it. */
  readonly #sure = new Set<number>()
  #nextId = 1
  #lives = 0

  constructor(seed: number) {
    this.world = new SimulatedWorld(seed)
    this.disk = new SimulatedDisk(this.world, 'shared')
  }

  process(host: string): SimulatedProcess {
    return this.world.process(`${host}#${++this.#lives}`, host)
  }

  filesystem(process: SimulatedProcess): SimulatedFilesystem {
    return new SimulatedFilesystem(this.disk, process)
  }

  /** Takes checkpoints until killed, keeping the last one. */
  async live(
    jobManager: SimulatedProcess,
    taskManager: SimulatedProcess,
    checkpoints = CHECKPOINTS_A_LIFE,
  ): Promise<void> {
    const storage = new DirectoryCheckpointStorage(DIRECTORY, this.filesystem(jobManager))
    const filesystem = this.filesystem(taskManager)
    await this.#retried(() => storage.prepare())
    await this.#retried(() => storage.removeAbandoned(new Set()))
    for (let i = 0; i < checkpoints; i++) {
      const checkpointId = this.#nextId++
      const content = randomContent(seeded(checkpointId), MAX_PARALLELISM, 6)
      this.#contents.set(checkpointId, content)
      try {
        await takeCheckpoint(storage, filesystem, {
          content,
          checkpointId,
          parallelism: 2,
          maxParallelism: MAX_PARALLELISM,
          memoryThreshold: checkpointId % 3 === 0 ? 1e9 : 0,
          clock: simulatedClock(taskManager),
        })
        this.#sure.add(checkpointId)
      } catch (error) {
        assert.ok(isMillraceError(error), String(error))
        await storage.discard(checkpointId).catch(() => {})
        continue
      }
      for (const old of [...this.#sure]) {
        if (old === checkpointId) continue
        this.#sure.delete(old)
        await storage.discard(old).catch(() => {})
      }
    }
  }

  async #retried(action: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await action()
        return
      } catch (error) {
        assert.ok((error as { code?: string }).code !== undefined, String(error))
      }
    }
  }

  /** As a new JobManager finds it. */
  async check(label: string): Promise<void> {
    const process = this.process('checker')
    const filesystem = this.filesystem(process)
    const storage = new DirectoryCheckpointStorage(DIRECTORY, filesystem)
    const complete = await storage.list()
    for (const id of this.#sure) assert.ok(complete.includes(id), `${label}: ${id} is lost`)
    for (const id of complete) {
      const manifest = await storage.read(id)
      const seen = await restoreCheckpoint(manifest, filesystem, 2, MAX_PARALLELISM)
      const { tables } = this.#contents.get(id) as OperatorContent
      for (const [name, rows] of Object.entries(tables)) {
        const restored = seen.flatMap((subtask) => subtask.content.tables[name])
        assert.deepEqual(sorted(restored), sorted(rows), `${label}: checkpoint ${id}`)
      }
    }
    process.kill()
  }
}

type Ending = 'kill' | 'jm-host' | 'tm-host' | 'everything'
const ENDINGS: readonly Ending[] = ['kill', 'jm-host', 'tm-host', 'everything']

function end(run: Run, ending: Ending, processes: readonly SimulatedProcess[]): void {
  for (const process of processes) process.kill()
  if (ending === 'everything') run.disk.crashAll()
  else if (ending !== 'kill') run.disk.crashHost(ending)
}

async function manyLives(seed: number, rates: DiskFaultRates): Promise<Run> {
  const run = new Run(seed)
  const { world, disk } = run
  const random = world.random.split('endings')
  for (let life = 0; life < LIVES; life++) {
    const processes = ['jm-host', 'tm-host'].map((host) => run.process(host))
    disk.faults.rates = rates
    const [jobManager, taskManager] = processes as [SimulatedProcess, SimulatedProcess]
    const failed: unknown[] = []
    jobManager.deliver(() => {
      run.live(jobManager, taskManager).catch((error) => failed.push(error))
    })
    await runUntil(world, world.nowMs + random.exponential(120))
    const ending = random.pick(ENDINGS)
    end(run, ending, processes)
    await runUntil(world, world.nowMs + 1000)
    assert.deepEqual(failed, [])
    disk.faults.rates = NO_DISK_FAULTS
    await settle(world, run.check(`seed ${seed}, life ${life}, ${ending}`))
  }
  return run
}

/**
 * 57: the checkpoint directory's own name was not durable: its maker was killed before it
 * could sync it.
 */
const FOUND_BY_CRASHES = [57]

test('a crash at any event leaves every acknowledged checkpoint whole, over many lives', async () => {
  const seeds = new Set([...FOUND_BY_CRASHES, ...Array.from({ length: 120 }, (_, seed) => seed)])
  for (const seed of seeds) await manyLives(seed, NO_DISK_FAULTS)
})

/**
 * 3896: a discard found the metadata gone, not durably, removed segments, and the
 * metadata came back.
 */
const FOUND_BY_FAULTS = [3896]

test('so does a crash of a disk that also fails writes and syncs', async () => {
  const counts = new Map<string, number>()
  for (const seed of [...FOUND_BY_FAULTS, ...Array.from({ length: 120 }, (_, i) => 1000 + i)]) {
    const { disk } = await manyLives(seed, HOSTILE)
    for (const [kind, count] of disk.faults.counts) {
      counts.set(kind, (counts.get(kind) ?? 0) + count)
    }
  }
  for (const kind of ['writeError', 'syncError', 'slowSync', 'crashLostNames', 'crashTornFiles']) {
    assert.ok((counts.get(kind) ?? 0) > 10, `${kind}: ${counts.get(kind)}`)
  }
})

test('a disk that keeps giving wrong bytes is an error that names the file, never other rows; one wrong bit is nothing', async () => {
  const codes = new Set<string>()
  for (let seed = 0; seed < 60; seed++) {
    const run = new Run(seed)
    const processes = ['jm-host', 'tm-host'].map((host) => run.process(host))
    const [jobManager, taskManager] = processes as [SimulatedProcess, SimulatedProcess]
    await settle(run.world, run.live(jobManager, taskManager, 5))
    run.disk.faults.rates = {
      ...NO_DISK_FAULTS,
      corruptedRead: 0.3,
      shortRead: 0.3,
      readError: 0.05,
    }
    try {
      await settle(run.world, run.check(`seed ${seed}`))
    } catch (error) {
      assert.ok(isMillraceError(error), String(error))
      codes.add(error.code)
      assert.ok(error.location?.file?.startsWith(`${DIRECTORY}/chk-`), error.message)
    }
    run.disk.faults.rates = { ...NO_DISK_FAULTS, corruptedRead: 1 }
    run.disk.faults.remaining = 1
    await settle(run.world, run.check(`seed ${seed}`))
    assert.equal(run.disk.faults.remaining, 0)
  }
  assert.deepEqual([...codes].sort(), [
    'CHECKPOINT_METADATA_CORRUPTED',
    'STATE_CORRUPTED',
    'STATE_UNREADABLE',
  ])
})
