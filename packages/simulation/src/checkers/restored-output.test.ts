/**
 * The law of restoring sees what a restored run leaves out, repeats or makes of something else,
 * whatever the sink.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChangelogExpectation, RowsExpectation } from '../workload/expected-output.ts'
import { type RestoredOutput, restoredOutput } from './restored-output.ts'

const ROWS: RowsExpectation = {
  kind: 'rows',
  columns: ['k', 'n'],
  rows: ['["a",1]', '["a",2]', '["b",3]'],
}
const line = (k: string, n: number) => JSON.stringify({ k, n })

const CHANGES: ChangelogExpectation = {
  kind: 'changelog',
  columns: ['k', 'n'],
  keyColumns: ['k'],
  growing: true,
  counting: true,
  rows: ['["a","3"]', '["b","5"]', '["c","1"]'],
}

function messages(output: Pick<RestoredOutput, 'expectation' | 'before' | 'after'>, once = true) {
  const guarantee = once ? 'exactly-once' : 'at-least-once'
  return restoredOutput({ ...output, guarantee })
    .map(({ checker, message, details }) => `${checker}: ${message}: ${details.join(' | ')}`)
    .join('\n')
}

describe('rows before a checkpoint and after its restore', () => {
  const before = [line('a', 1)]

  it('are together what is expected, once', () => {
    const right = [line('b', 3), line('a', 2)]
    assert.equal(messages({ expectation: ROWS, before, after: right }), '')
    const lost = messages({ expectation: ROWS, before, after: right.slice(1) })
    assert.match(lost, /^restore-law: 1 of 3 expected rows are missing .*\["b",3\]$/)
    const again = messages({ expectation: ROWS, before, after: [...right, line('a', 1)] })
    assert.match(again, /^restore-law: 1 rows are there more often than expected .*\["a",1\]$/)
  })

  it('may be repeated by a sink that commits nothing, but not within the restored run', () => {
    const after = [line('a', 1), line('a', 2), line('b', 3)]
    assert.equal(messages({ expectation: ROWS, before, after }, false), '')
    const twice = messages({ expectation: ROWS, before, after: [...after, line('a', 2)] }, false)
    assert.match(twice, /more often than expected from one restored run: \["a",2\]$/)
  })
})

describe('changes after a restore', () => {
  const before = ['+I[a, 1]', '-U[a, 1]', '+U[a, 2]', '+I[c, 1]', '+I[b, 4]']
  const judge = (...after: string[]) => messages({ expectation: CHANGES, before, after })

  it('take back what the checkpoint knew, and end in the result', () => {
    assert.equal(judge('-U[a, 2]', '+U[a, 3]', '-U[b, 4]', '+U[b, 5]'), '')
    assert.equal(judge('-U[a, 1]', '+U[a, 3]', '+I[b, 5]'), '')
  })

  it('show a group that was lost, one that was kept twice, and one that nobody has', () => {
    assert.match(
      judge('+I[a, 1]', '+I[b, 5]'),
      /1 rows are in the result .* not expected: \["a","1"\]/,
    )
    assert.match(
      judge('-U[a, 9]', '+U[a, 3]', '+I[b, 5]'),
      /without having been there: \["a","9"\]/,
    )
    assert.match(judge('-U[a, 2]', '+U[a, 3]'), /1 rows are missing .*: \["b","5"\]/)
    const two = judge('-U[a, 1]', '-U[a, 2]', '+U[a, 3]', '+I[b, 5]')
    assert.match(two, /1 keys had several rows in the checkpoint: \["a"\]/)
  })

  it('are whole', () => {
    assert.match(judge('-U[a, 2]', '+U[a, 3]', '+I[b, 5]', '+I[b'), /1 lines .* no whole change/)
  })
})
