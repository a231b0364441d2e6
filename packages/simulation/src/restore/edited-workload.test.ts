/** Edits of a query leave a query, and say which columns both have. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forgottenState } from '../checkers/forgotten-state.ts'
import { expectationIn, linesIn } from '../checkers/kept-columns.ts'
import { expectedOutput } from '../workload/expected-output.ts'
import {
  CHANGELOG_PROFILE,
  generateWorkload,
  SWARM_PROFILE,
} from '../workload/generate-workload.ts'
import { queryColumns } from '../workload/model/query.ts'
import { SeededRandom } from '../world/seeded-random.ts'
import { editedWorkload } from './edited-workload.ts'

test('an edited query keeps its keys, and what the oracle says of the columns that both have', () => {
  let edited = 0
  for (let seed = 1; seed <= 60; seed++) {
    const random = new SeededRandom(`edits ${seed}`)
    const profile = seed % 2 === 0 ? SWARM_PROFILE : CHANGELOG_PROFILE
    const workload = generateWorkload(random.split('workload'), { ...profile, rowsMax: 300 })
    const found = editedWorkload(workload, random)
    if (found === null) continue
    edited++
    const { query, tables } = found.workload
    const columns = queryColumns(query, tables).map(({ name }) => name)
    assert.ok(
      found.common.every((name) => columns.includes(name)),
      found.about,
    )
    const [before, after] = [workload, found.workload].map((each) => {
      const expectation = expectationIn(expectedOutput(each), found.common)
      return expectation.kind === 'late' ? [] : expectation.rows.toSorted()
    })
    assert.deepEqual(after, before, found.about)
  }
  assert.ok(edited > 20, `${edited} of 60`)
})

test('lines are cut down to some of their columns, torn ones stay as they are', () => {
  const lines = ['1> +I[k, 1, 2]', '+I[k, 1', '{"k":"k","a":1,"b":2}', '{"k":"k"']
  assert.deepEqual(linesIn(lines, ['k', 'a', 'b'], ['k', 'b']), [
    '+I[k, 2]',
    '+I[k, 1',
    '{"k":"k","b":2}',
    '{"k":"k"',
  ])
})

test('who has forgotten everything takes back only what it has shown', () => {
  const lines = ['+I[k, 1]', '-U[k, 1]', '+U[k, 2]']
  assert.deepEqual(forgottenState(lines, ['k', 'c']), [])
  assert.equal(forgottenState(['-U[k, 7]', '+U[k, 8]'], ['k', 'c']).length, 1)
  assert.equal(forgottenState(['+I[k'], ['k', 'c']).length, 1)
})
