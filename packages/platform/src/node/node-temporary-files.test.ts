/** Files without a name: what is read back, and that nothing of them can be found or stays. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { nodeRandom } from './node-random.ts'
import { NodeTemporaryFiles } from './node-temporary-files.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-temporary-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const files = new NodeTemporaryFiles(nodeRandom)

test('what was appended is read back from any place, and the directory shows nothing', () => {
  const place = join(directory, 'made', 'when missing')
  const file = files.create(place)
  const other = files.create(place)
  file.append(Uint8Array.of(1, 2, 3))
  other.append(Uint8Array.of(9))
  file.append(Uint8Array.of(4, 5))
  assert.equal(file.size, 5)
  const bytes = new Uint8Array(3)
  file.read(bytes, 1)
  assert.deepEqual([...bytes], [2, 3, 4])
  assert.deepEqual(readdirSync(place), [])
  assert.throws(() => file.read(bytes, 3), /ends at byte 5/)
  file.close()
  file.close()
  assert.throws(() => file.read(bytes, 0))
  other.close()
})

test('a directory that cannot be made is an error of the system', () => {
  assert.throws(() => files.create('/proc/nothing'), { code: 'ENOENT' })
})
