/**
 * The object store in a directory: its contract, processes that are killed, locations,
 * disks that refuse.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { testObjectStore } from '../../testing/object-store-contract.ts'
import { createNodePlatform } from '../index.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-objects-'))
after(() => rmSync(root, { recursive: true, force: true }))
const { objectStores } = createNodePlatform()

testObjectStore('a directory', async () => {
  const directory = join(root, 'contract')
  return { open: () => objectStores.open(`file://${directory}`), dispose: async () => {} }
})

/** Values that a process reported before it was killed. */
async function countUntilKilled(directory: string, killAfter: number): Promise<number[]> {
  const entry = new URL('../testing/counting-process.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [entry, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk
    if (printed.split('\n').length > killAfter) child.kill('SIGKILL')
  })
  await closed
  return printed.split('\n').slice(0, -1).map(Number)
}

test('processes that are killed at any moment neither lose nor double a write', async () => {
  const directory = join(root, 'killed')
  const perProcess = await Promise.all(
    [20, 40, 60].map((killAfter) => countUntilKilled(directory, killAfter)),
  )
  const reported = perProcess.flat()
  assert.equal(new Set(reported).size, reported.length, 'no value has two winners')
  const last = await objectStores.open(directory).get('counter')
  const value = Number(new TextDecoder().decode(last?.bytes))
  assert.ok(value >= Math.max(...reported), `${value} after ${Math.max(...reported)}`)
  // Each process may have been killed between its write and its report, once.
  assert.ok(value - reported.length <= 3, `${value} writes, ${reported.length} reported`)
})

test('superseded versions leave nothing behind', async () => {
  const directory = join(root, 'tidy')
  const store = objectStores.open(directory)
  let version: string | null = null
  for (let i = 0; i < 10; i++) version = await store.putIf('a', new Uint8Array([i]), version)
  assert.equal(readdirSync(join(directory, 'a@object')).length, 2)
  assert.deepEqual(readdirSync(directory), ['a@object'])
  await store.remove('a')
  assert.deepEqual(readdirSync(directory), [])
})

test('an interrupted removal is completed by the next creation', async () => {
  const directory = join(root, 'interrupted')
  const store = objectStores.open(directory)
  await store.putIf('a', new Uint8Array([1]), null)
  const [head] = readdirSync(join(directory, 'a@object')).filter((name) => name.startsWith('head'))
  rmSync(join(directory, 'a@object', head as string))
  assert.equal(await store.get('a'), null)
  assert.deepEqual(await store.list(''), [])
  assert.notEqual(await store.putIf('a', new Uint8Array([2]), null), null)
  assert.deepEqual((await store.get('a'))?.bytes, new Uint8Array([2]))
})

test('other schemes and relative paths are refused by name, and opening touches nothing', () => {
  assert.throws(() => objectStores.open('s3://bucket/ha'), { code: 'OBJECT_STORE_UNSUPPORTED' })
  assert.throws(() => objectStores.open('relative/path'), { code: 'OBJECT_STORE_UNSUPPORTED' })
  objectStores.open(`file:${join(root, 'untouched')}`)
  assert.ok(!readdirSync(root).includes('untouched'))
})

test('a location that is a file is unavailable, and the error says where', async () => {
  const file = join(root, 'file')
  writeFileSync(file, '')
  await assert.rejects(objectStores.open(file).putIf('a', new Uint8Array(1), null), {
    code: 'OBJECT_STORE_UNAVAILABLE',
    message: new RegExp(`'a' in ${file}`),
  })
})
