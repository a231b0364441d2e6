/** Time, kills, crashes and faults of the simulated filesystem. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Filesystem } from '@millrace/platform'
import { testFilesystem } from '@millrace/platform/filesystem-contract'
import { SeededRandom } from '../../world/seeded-random.ts'
import { SimulatedWorld } from '../../world/simulated-world.ts'
import { runUntil, settle } from '../testing/settle.ts'
import { NO_DISK_FAULTS } from './disk-faults.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import { SimulatedFilesystem } from './simulated-filesystem.ts'

function setUp(seed: number) {
  const world = new SimulatedWorld(seed)
  const disk = new SimulatedDisk(world, 'shared')
  const process = world.process('p', 'host-1')
  return { world, disk, process, filesystem: new SimulatedFilesystem(disk, process) }
}

testFilesystem('the simulated disk', async () => {
  const { world, filesystem } = setUp(1)
  const drive = <T>(work: Promise<T>) => settle(world, work)
  await drive(filesystem.makeDirectory('/contract/files'))
  return { filesystem, root: '/contract/files', drive, dispose: async () => {} }
})

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A random program over a few files that says, after each step, what is promised to survive. */
class Program {
  readonly #random: SeededRandom
  readonly #filesystem: Filesystem
  /** Path → contents that are sure: synced, with a synced name. */
  readonly sure = new Map<string, Uint8Array>()
  /** Paths whose fate is open. */
  readonly open = new Set<string>()
  constructor(random: SeededRandom, filesystem: Filesystem) {
    this.#random = random
    this.#filesystem = filesystem
  }

  async run(steps: number): Promise<void> {
    await this.#filesystem.makeDirectory('/data/a')
    for (let step = 0; step < steps; step++) await this.#step()
  }

  async #step(): Promise<void> {
    const fs = this.#filesystem
    const path = `/data/a/f${this.#random.between(0, 5)}`
    const bytes = this.#random.bytes(this.#random.between(0, 9000))
    const kind = this.#random.between(0, 3)
    this.open.add(path)
    if (kind === 0) {
      const whole = bytes.slice()
      await fs.writeFileAtomic(path, bytes)
      this.sure.set(path, whole)
      this.open.delete(path)
    } else if (kind === 1) {
      this.sure.delete(path)
      await fs.remove(path)
    } else if (kind === 2) {
      const file = await fs.open(path, 'append')
      await file.append(bytes)
      if (this.#random.chance(0.5)) {
        await file.append(bytes)
        await file.sync()
        await fs.syncDirectory('/data/a')
        this.sure.set(path, await fs.readFile(path))
        this.open.delete(path)
      }
      await file.close()
    } else {
      const target = `/data/a/g${this.#random.between(0, 2)}`
      this.open.add(target)
      if ((await fs.status(path)) === null) return
      this.sure.delete(path)
      this.sure.delete(target)
      await fs.rename(path, target)
    }
  }
}

test('whatever crashes when, what was synced under a synced name is there, byte for byte', async () => {
  let lossy = 0
  for (let seed = 0; seed < 150; seed++) {
    const { world, disk, process, filesystem } = setUp(seed)
    const program = new Program(new SeededRandom(`program ${seed}`), filesystem)
    void program.run(40)
    await runUntil(world, world.random.between(1, 250))
    process.kill()
    if (seed % 2 === 0) disk.crashHost(process)
    else disk.crashAll()
    await runUntil(world, world.nowMs + 10_000)
    for (const [path, bytes] of program.sure) {
      if (program.open.has(path)) {
        // Appended to since: what was sure is its beginning, unless it was replaced or removed.
        continue
      }
      assert.deepEqual(disk.bytesOf(path), bytes, `seed ${seed}: ${path}`)
    }
    if ((disk.faults.counts.get('crashTornFiles') ?? 0) > 0) lossy++
    const used = disk.files().reduce((sum, file) => sum + file.size, 0)
    assert.equal(disk.usedBytes, used)
    assert.ok(disk.files().every((file) => file.isDurable))
  }
  assert.ok(lossy > 20, `only ${lossy} crashes tore a file`)
})

test('a crash tears unsynced appends at any byte, keeps the synced beginning, and may leave zeros or rubbish', async () => {
  const lengths = new Set<number>()
  let [zeros, rubbish] = [0, 0]
  const beginning = bytesOf('synced')
  const rest = new Uint8Array(9000).fill(7)
  for (let seed = 0; seed < 200; seed++) {
    const { world, disk, process, filesystem } = setUp(seed)
    const write = async () => {
      const file = await filesystem.open('/log', 'create')
      await file.append(beginning)
      await file.sync()
      await filesystem.syncDirectory('/')
      await file.append(rest)
    }
    await settle(world, write())
    process.kill()
    disk.crashHost('another-host')
    assert.equal(disk.bytesOf('/log').length, 9006)
    disk.crashHost('host-1')
    const found = disk.bytesOf('/log')
    lengths.add(found.length)
    assert.deepEqual(found.subarray(0, 6), beginning)
    const tail = found.subarray(6)
    const tear = tail.findIndex((byte) => byte !== 7)
    if (tear >= 0 && tail.subarray(tear).every((byte) => byte === 0)) zeros++
    else if (tear >= 0) rubbish++
  }
  assert.ok(lengths.size > 50 && lengths.has(9006), `${lengths.size} lengths`)
  assert.ok(zeros > 10 && rubbish > 10, `${zeros} with zeros, ${rubbish} with rubbish`)
})

test('names that are not synced survive up to a random one, or, on some disks, in any choice', async () => {
  const counts = new Set<number>()
  let inOrder = 0
  for (let seed = 0; seed < 80; seed++) {
    const { world, disk, process, filesystem } = setUp(seed)
    const create = async () => {
      for (let i = 0; i < 8; i++) await (await filesystem.open(`/f${i}`, 'create')).close()
    }
    await settle(world, create())
    process.kill()
    disk.crashHost(process)
    const names = disk.files().map((file) => file.path)
    if (names.every((name, i) => name === `/f${i}`)) inOrder++
    counts.add(names.length)
  }
  assert.ok(counts.has(0) && counts.has(8) && counts.size > 4, `${[...counts]}`)
  assert.ok(inOrder >= 60 && inOrder < 80, `${inOrder} in order`)
})

test('a change that another host has built upon survives the crash of its own host', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const { world, disk, process, filesystem } = setUp(seed)
    const other = new SimulatedFilesystem(disk, world.process('q', 'host-2'))
    const change = async () => {
      await filesystem.makeDirectory('/d')
      await (await filesystem.open('/d/a', 'create')).close()
      await other.rename('/d/a', '/d/b')
    }
    await settle(world, change())
    process.kill()
    disk.crashHost(process)
    assert.deepEqual(
      disk.files().map((file) => file.path),
      ['/d/b'],
    )
  }
})

test('a rename that is not synced is undone whole: the old file is back under both names', async () => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 60; seed++) {
    const { world, disk, process, filesystem } = setUp(seed)
    const write = async () => {
      await filesystem.writeFileAtomic('/a', bytesOf('old'))
      await filesystem.writeFileAtomic('/b', bytesOf('new'))
      await filesystem.rename('/b', '/a')
    }
    await settle(world, write())
    process.kill()
    disk.crashHost(process)
    outcomes.add(
      disk
        .files()
        .map(({ path }) => `${path} ${new TextDecoder().decode(disk.bytesOf(path))}`)
        .join(),
    )
  }
  assert.deepEqual([...outcomes].sort(), ['/a new', '/a old,/b new'])
})

test('a killed process leaves everything that it wrote, and at most its last call is torn', async () => {
  const sizes = new Set<number>()
  for (let seed = 0; seed < 120; seed++) {
    const { world, disk, process, filesystem } = setUp(seed)
    let appended = 0
    const write = async () => {
      const file = await filesystem.open('/log', 'create')
      for (;;) {
        await file.append(new Uint8Array(1000))
        appended++
      }
    }
    void write()
    await runUntil(world, world.random.between(2, 30) / 10)
    process.kill()
    const known = appended
    await runUntil(world, world.nowMs + 1000)
    assert.equal(appended, known, 'a dead process went on')
    if (!disk.exists('/log')) continue
    const size = disk.bytesOf('/log').length
    assert.ok(size >= known * 1000 && size <= (known + 1) * 1000, `${size} after ${known}`)
    sizes.add(size % 1000)
  }
  assert.ok(sizes.size > 10, 'no call was torn')
})

test('a paused process learns the result when it is resumed, of a call that happened before', async () => {
  const { world, disk, process, filesystem } = setUp(1)
  let isDone = false
  void filesystem.writeFileAtomic('/a', bytesOf('x')).then(() => {
    isDone = true
  })
  process.pause()
  await runUntil(world, 10_000)
  assert.equal(disk.files().length, 1)
  assert.equal(isDone, false)
  process.resume()
  await runUntil(world, 20_000)
  assert.equal(isDone, true)
})

test('a full disk takes what fits and says ENOSPC, and takes more when something is removed', async () => {
  const { world, disk, filesystem } = setUp(2)
  disk.quotaBytes = 1000
  const fill = async () => {
    await filesystem.writeFileAtomic('/old', new Uint8Array(600))
    const file = await filesystem.open('/new', 'create')
    await assert.rejects(file.append(new Uint8Array(500)), { code: 'ENOSPC' })
    assert.equal((await filesystem.status('/new'))?.size, 400)
    await filesystem.remove('/old')
    await file.append(new Uint8Array(500))
    await filesystem.remove('/new')
    assert.equal(disk.usedBytes, 900, 'an open file takes space without a name')
    await file.close()
    await assert.rejects(filesystem.writeFileAtomic('/x', new Uint8Array(1001)), { code: 'ENOSPC' })
    assert.deepEqual(await filesystem.list('/'), [])
  }
  await settle(world, fill())
  assert.equal(disk.usedBytes, 0)
  assert.deepEqual(disk.faults.counts.get('diskFull'), 2)
  assert.ok(disk.removedPaths.has('/old') && disk.removedPaths.has('/new'))
})

test('a corrupted read has one wrong bit, and the next read is right', async () => {
  const { world, disk, filesystem } = setUp(3)
  disk.place('/in/a', new Uint8Array(5000))
  disk.faults.rates = { ...NO_DISK_FAULTS, corruptedRead: 1 }
  const read = await settle(world, filesystem.readFile('/in/a'))
  const wrong = read.filter((byte) => byte !== 0)
  assert.equal(wrong.length, 1)
  assert.ok(Number.isInteger(Math.log2(wrong[0])))
  disk.faults.rates = NO_DISK_FAULTS
  assert.deepEqual(await settle(world, filesystem.readFile('/in/a')), new Uint8Array(5000))
})

test('a failed sync leaves bytes that a later sync does not save', async () => {
  const outcomes = new Set<number>()
  for (let seed = 0; seed < 30; seed++) {
    const { world, disk, process, filesystem } = setUp(seed)
    const write = async () => {
      const file = await filesystem.open('/a', 'create')
      await filesystem.syncDirectory('/')
      await file.append(new Uint8Array(10))
      disk.faults.rates = { ...NO_DISK_FAULTS, syncError: 1 }
      await assert.rejects(file.sync(), { code: 'EIO' })
      disk.faults.rates = NO_DISK_FAULTS
      await file.sync()
    }
    await settle(world, write())
    process.kill()
    disk.crashHost(process)
    outcomes.add(disk.bytesOf('/a').length)
  }
  assert.ok(outcomes.has(10) && outcomes.size > 2, `${[...outcomes]}`)
})

test('a directory that is read-only or closed, and a disk that is out of reach, say so', async () => {
  const { world, disk, filesystem } = setUp(4)
  disk.place('/x/a', bytesOf('a'))
  const tryAll = async () => {
    disk.setAccess('/x', 'readonly')
    await assert.rejects(filesystem.writeFileAtomic('/x/b', bytesOf('b')), { code: 'EROFS' })
    await assert.rejects(filesystem.rename('/x/a', '/b'), { code: 'EROFS' })
    assert.deepEqual(await filesystem.readFile('/x/a'), bytesOf('a'))
    disk.setAccess('/x', 'denied')
    await assert.rejects(filesystem.readFile('/x/a'), { code: 'EACCES' })
    disk.setAccess('/x', 'writable')
    disk.isReachable = (host) => host !== 'host-1'
    await assert.rejects(filesystem.writeFileAtomic('/x/b', bytesOf('b')), { code: 'ETIMEDOUT' })
    disk.isReachable = () => true
    await filesystem.writeFileAtomic('/x/b', bytesOf('b'))
  }
  await settle(world, tryAll())
})

test('the same seed gives the same files, faults and log', async () => {
  const run = async (seed: number) => {
    const { world, disk, process, filesystem } = setUp(seed)
    disk.faults.rates = {
      readError: 0.05,
      corruptedRead: 0.05,
      shortRead: 0.1,
      writeError: 0.03,
      syncError: 0.03,
      slowOperation: 0.1,
      slowSync: 0.1,
    }
    const program = new Program(new SeededRandom(`program ${seed}`), filesystem)
    void (async () => {
      for (;;) {
        try {
          await program.run(10)
        } catch (error) {
          world.log.add(world.nowMs, 'p', 'failed', (error as Error).message)
        }
      }
    })()
    await runUntil(world, 60_000)
    process.kill()
    disk.crashAll()
    const files = disk
      .files()
      .map(({ path }) => [path, Buffer.from(disk.bytesOf(path)).toString('hex')])
    return {
      files,
      digest: world.log.digest,
      counts: [...disk.faults.counts],
      events: world.events,
    }
  }
  for (let seed = 0; seed < 5; seed++) {
    const first = await run(seed)
    assert.deepEqual(await run(seed), first)
    assert.ok(first.counts.length >= 6, `${first.counts}`)
  }
  assert.notEqual((await run(1)).digest, (await run(2)).digest)
})
