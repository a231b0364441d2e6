/** A directory whose name survives a power cut, and those above it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Filesystem } from './filesystem.ts'
import { makeDurableDirectory } from './make-durable-directory.ts'

function recording(failures: Record<string, string> = {}) {
  const calls: string[] = []
  const filesystem = {
    makeDirectory: async (path: string) => void calls.push(`make ${path}`),
    syncDirectory: async (path: string) => {
      const code = failures[path]
      if (code !== undefined) throw Object.assign(new Error(code), { code })
      calls.push(`sync ${path}`)
    },
  } as unknown as Filesystem
  return { calls, filesystem }
}

test('every directory above is synced, also when the directory was there', async () => {
  const { calls, filesystem } = recording()
  await makeDurableDirectory(filesystem, '/a/b/c')
  assert.deepEqual(calls, ['make /a/b/c', 'sync /', 'sync /a', 'sync /a/b'])
})

test('a directory above that the user may not read is passed over; any other failure is reported', async () => {
  const { calls, filesystem } = recording({ '/': 'EACCES', '/a': 'EPERM' })
  await makeDurableDirectory(filesystem, '/a/b/c')
  assert.deepEqual(calls, ['make /a/b/c', 'sync /a/b'])
  const failing = recording({ '/a': 'EIO' }).filesystem
  await assert.rejects(makeDurableDirectory(failing, '/a/b'), { code: 'EIO' })
})
