/** Names of part files, and which of them nobody can want any more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStray, type PartFile, parsePartFileName, partFileName } from './part-file-name.ts'

const file = (hidden: PartFile['hidden'], subtask = 2, uid = 'ab12'): PartFile => ({
  uid,
  subtask,
  number: 7,
  hidden,
})

test('a name says whose file it is, and what has become of it', () => {
  const names: [PartFile, string][] = [
    [file(null), 'part-ab12-2-7'],
    [file({ writer: '00ff', checkpoint: null }), '.part-ab12-2-7.00ff.inprogress'],
    [file({ writer: '00ff', checkpoint: 12 }), '.part-ab12-2-7.00ff.pending.12'],
  ]
  for (const [parsed, name] of names) {
    assert.equal(partFileName(parsed), name)
    assert.deepEqual(parsePartFileName(name), parsed)
  }
})

test('other files are not taken for part files', () => {
  for (const name of [
    'part-ab12-2',
    '.part-ab12-2-7',
    'part-ab12-2-7.00ff.inprogress',
    '.part-ab12-2-7.00ff.pending',
    '.part-ab12-2-7.pending.3',
    'part-ab12-2-7.gz',
    'rows.json',
  ]) {
    assert.equal(parsePartFileName(name), null, name)
  }
})

// Found by simulation: an attempt that woke up in its start took pending files of its successor for strays.
test('a stray is hidden, of another writer, of this subtask, and no later than the complete checkpoint', () => {
  const facts = { uid: 'ab12', subtask: 2, parallelism: 4, writer: 'a', completeCheckpoint: 5 }
  const other = (checkpoint: number | null) => ({ writer: 'b', checkpoint })
  assert.equal(isStray(file(other(null)), facts), true)
  assert.equal(isStray(file(other(5)), facts), true)
  assert.equal(isStray(file(other(6)), facts), false, 'of a checkpoint that may still complete')
  assert.equal(isStray(file({ writer: 'a', checkpoint: 5 }), facts), false, 'its own')
  assert.equal(isStray(file(null), facts), false, 'committed')
  assert.equal(isStray(file(other(5), 3), facts), false, 'another subtask’s')
  assert.equal(isStray(file(other(5), 2, 'cd34'), facts), false, 'another sink’s')
  const first = { ...facts, subtask: 0 }
  assert.equal(isStray(file(other(5), 4), first), true, 'of a subtask that is no more')
  assert.equal(isStray(file(other(5), 3), first), false)
})
