/**
 * The simulated filesystem gives what the real one gives, for random sequences of operations
 * without faults.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FileStatus, Filesystem, OpenFile } from '@millrace/platform'
import { createNodePlatform } from '@millrace/platform/node'
import { SeededRandom } from '../../world/seeded-random.ts'
import { SimulatedWorld } from '../../world/simulated-world.ts'
import { settle } from '../testing/settle.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import { SimulatedFilesystem } from './simulated-filesystem.ts'

const nodeFilesystem = createNodePlatform().filesystem

type Operation = (filesystem: Filesystem, handles: Map<number, OpenFile>) => Promise<unknown>

const PATHS = ['a', 'b', 'd', 'd/a', 'd/b', 'd/e', 'd/e/a', 'd/e/f', 'd/e/f/a', 'a/x', 'd//e/./a']

/** One random operation, said and done. */
function draw(random: SeededRandom, root: string, step: number): [string, Operation] {
  const path = `${root}/${random.pick(PATHS)}`
  const other = `${root}/${random.pick(PATHS)}`
  const bytes = random.bytes(random.pick([0, 1, 7, 300]))
  const handle = random.between(0, Math.max(0, step))
  const position = random.between(0, 400)
  const mode = random.pick(['read', 'append', 'create'] as const)
  const kinds: [string, Operation][] = [
    [`readFile ${path}`, (fs) => fs.readFile(path)],
    [`writeFileAtomic ${path} ${bytes.length}`, (fs) => fs.writeFileAtomic(path, bytes)],
    [
      `open ${path} ${mode}`,
      async (fs, handles) => void handles.set(step, await fs.open(path, mode)),
    ],
    [
      `open ${path} ${mode}`,
      async (fs, handles) => void handles.set(step, await fs.open(path, mode)),
    ],
    [`rename ${path} ${other}`, (fs) => fs.rename(path, other)],
    [`syncDirectory ${path}`, (fs) => fs.syncDirectory(path)],
    [`list ${path}`, (fs) => fs.list(path)],
    [`status ${path}`, (fs) => fs.status(path)],
    [`makeDirectory ${path}`, (fs) => fs.makeDirectory(path)],
    [`remove ${path}`, (fs) => fs.remove(path)],
  ]
  const fileKinds: [string, (file: OpenFile) => Promise<unknown>][] = [
    [`append ${bytes.length}`, (file) => file.append(bytes)],
    [`append ${bytes.length}`, (file) => file.append(bytes)],
    ['sync', (file) => file.sync()],
    [`truncate ${position}`, (file) => file.truncate(position)],
    ['close', (file) => file.close()],
    [
      `read ${position}`,
      async (file) => {
        const into = new Uint8Array(100)
        const count = await file.read(into, position)
        return [count, into.slice(0, count)]
      },
    ],
  ]
  if (random.chance(0.6)) return random.pick(kinds)
  const [name, act] = random.pick(fileKinds)
  return [
    `${name} of the file opened at ${handle}`,
    async (_, handles) => {
      const nearest = [...handles.keys()].findLast((key) => key <= handle)
      return nearest === undefined ? null : act(handles.get(nearest) as OpenFile)
    },
  ]
}

/**
 * Statuses without what differs between any two disks: times, inode numbers, sizes of directories.
 */
function comparable(value: unknown, root: string): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map((item) => comparable(item, root))
  if (typeof value !== 'object' || value === null || 'code' in value) return value
  const { path, size, isDirectory } = value as FileStatus
  return { path: path.slice(root.length), size: isDirectory ? 0 : size, isDirectory }
}

async function outcome(action: () => Promise<unknown>): Promise<unknown> {
  try {
    return (await action()) ?? null
  } catch (error) {
    return { code: (error as { code?: string }).code ?? String(error) }
  }
}

test('random operations have the results, the errors and the files that the real filesystem has', async () => {
  const root = mkdtempSync(join(tmpdir(), 'millrace-results-'))
  const codes = new Set<string>()
  try {
    for (let seed = 0; seed < 60; seed++) {
      const directory = join(root, `${seed}`)
      const world = new SimulatedWorld(seed)
      const simulated = new SimulatedFilesystem(
        new SimulatedDisk(world, 'disk'),
        world.process('p', 'h'),
      )
      const random = new SeededRandom(`operations ${seed}`)
      const realHandles = new Map<number, OpenFile>()
      const simulatedHandles = new Map<number, OpenFile>()
      await nodeFilesystem.makeDirectory(directory)
      await settle(world, simulated.makeDirectory(directory))
      const said: string[] = []
      for (let step = 0; step < 120; step++) {
        const [name, operation] = draw(random, directory, step)
        said.push(name)
        const expected = await outcome(() => operation(nodeFilesystem, realHandles))
        const actual = await settle(
          world,
          outcome(() => operation(simulated, simulatedHandles)),
        )
        const code = (expected as { code?: string } | null)?.code
        if (code !== undefined) codes.add(code)
        assert.deepEqual(
          comparable(actual, directory),
          comparable(expected, directory),
          `seed ${seed}: ${said.slice(-12).join('; ')}`,
        )
      }
      for (const file of realHandles.values()) await outcome(() => file.close())
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
  for (const code of ['ENOENT', 'EEXIST', 'EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'EBADF', 'EINVAL']) {
    assert.ok(codes.has(code), `${code} never came up`)
  }
})
