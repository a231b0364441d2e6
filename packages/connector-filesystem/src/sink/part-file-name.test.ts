/** Names of part files, and which of them nobody can want any more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStray, type PartFile, parsePartFileName, partFileName } from './part-file-name.ts'

const at = (leaderEpoch: number, attempt: number) => ({ leaderEpoch, attempt })
const file = (hidden: PartFile['hidden'], subtask = 2, uid = 'ab12'): PartFile => ({
  uid,
  subtask,
  number: 7,
  hidden,
})

test('a name says whose file it is, and what has become of it', () => {
  const names: [PartFile, string][] = [
    [file(null), 'part-ab12-2-7'],
    [file({ writer: at(3, 1), checkpoint: null }), '.part-ab12-2-7.3-1.inprogress'],
    [file({ writer: at(3, 1), checkpoint: 12 }), '.part-ab12-2-7.3-1.pending.12'],
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
    'part-ab12-2-7.3-1.inprogress',
    '.part-ab12-2-7.3-1.pending',
    '.part-ab12-2-7.pending.3',
    'part-ab12-2-7.gz',
    'rows.json',
  ]) {
    assert.equal(parsePartFileName(name), null, name)
  }
})

// Found by simulation: an attempt that woke up in its start took pending files of its
// successor for strays.
test('a stray is hidden, of this subtask, and of an older attempt, by leader first', () => {
  const facts = { uid: 'ab12', subtask: 2, parallelism: 4, writer: at(3, 2) }
  const hidden = (leaderEpoch: number, attempt: number) => ({
    writer: at(leaderEpoch, attempt),
    checkpoint: 5,
  })
  assert.equal(isStray(file(hidden(3, 1)), facts), true)
  assert.equal(isStray(file({ ...hidden(3, 1), checkpoint: null }), facts), true)
  assert.equal(isStray(file(hidden(2, 9)), facts), true, 'numbers start anew under a new leader')
  assert.equal(isStray(file(hidden(3, 2)), facts), false, 'its own')
  assert.equal(isStray(file(hidden(3, 3)), facts), false, 'its successor’s')
  assert.equal(isStray(file(hidden(4, 0)), facts), false, 'its successor’s, under a new leader')
  assert.equal(isStray(file(null), facts), false, 'committed')
  assert.equal(isStray(file(hidden(3, 1), 3), facts), false, 'another subtask’s')
  assert.equal(isStray(file(hidden(3, 1), 2, 'cd34'), facts), false, 'another sink’s')
  const first = { ...facts, subtask: 0 }
  assert.equal(isStray(file(hidden(3, 1), 4), first), true, 'of a subtask that is no more')
  assert.equal(isStray(file(hidden(3, 1), 3), first), false)
})
