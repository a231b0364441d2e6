/** The local filesystem: the contract, and what only it can show. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { testFilesystem } from '../testing/filesystem-contract.ts'
import { nodeFilesystem as filesystem } from './node-filesystem.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-filesystem-'))
after(() => rmSync(root, { recursive: true, force: true }))
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

testFilesystem('a directory', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-filesystem-'))
  return {
    filesystem,
    root: directory,
    dispose: async () => rmSync(directory, { recursive: true, force: true }),
  }
})

test('many atomic writes of one file at a time leave one of them, whole', async () => {
  const path = join(root, 'raced.txt')
  const contents = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(50_000))
  await Promise.all(contents.map((content) => filesystem.writeFileAtomic(path, bytes(content))))
  assert.ok(contents.includes(new TextDecoder().decode(await filesystem.readFile(path))))
  assert.equal((await filesystem.list(root)).length, 1)
  await filesystem.remove(path)
})

test('a file’s time is the machine’s, and its bytes are no Buffer', async () => {
  const path = join(root, 'status')
  await filesystem.writeFileAtomic(path, bytes('abc'))
  const status = await filesystem.status(path)
  assert.ok(Math.abs((status?.modifiedMs ?? 0) - Date.now()) < 60_000)
  assert.ok(!Buffer.isBuffer(await filesystem.readFile(path)))
  await filesystem.remove(path)
})
