/** What `millrace rescale` makes of its operands. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { JobDetail, JobRequirements } from '@millrace/rest-api'
import { isReached, requirementsWith, wishOf } from './rescale-wishes.ts'

const bounds = (lowerBound: number, upperBound: number) => ({
  parallelism: { lowerBound, upperBound },
})
const PRESENT: JobRequirements = { aa11: bounds(1, 2), ab22: bounds(2, 2), cc33: bounds(1, 1) }
const JOB = {
  state: 'RUNNING',
  vertices: [
    { id: 'aa11', name: 'Source', parallelism: 2, single: false },
    { id: 'ab22', name: 'Sink: out', parallelism: 2, single: false },
    { id: 'cc33', name: 'Collect', parallelism: 1, single: true },
  ],
} as unknown as JobDetail
const asked = (...texts: string[]) =>
  requirementsWith(
    PRESENT,
    JOB,
    texts.map((text) => wishOf(text)),
  )

test('A number is for all that can have it, VERTEX=N for one, by id or name; later ones hold', () => {
  assert.deepEqual(asked('4'), { aa11: bounds(1, 4), ab22: bounds(2, 4), cc33: bounds(1, 1) })
  assert.deepEqual(asked('4', 'ab=1'), {
    aa11: bounds(1, 4),
    ab22: bounds(1, 1),
    cc33: bounds(1, 1),
  })
  assert.deepEqual(asked('Sink: out=3').ab22, bounds(2, 3))
})

test('What names no vertex, several, or no number is refused', () => {
  for (const text of ['', '0', '-1', 'x', 'aa11=', 'aa11=0', 'aa11=1.5']) {
    assert.throws(() => wishOf(text), { code: 'ARGUMENT_INVALID' }, text)
  }
  assert.throws(() => asked('a=2'), { message: /has 2 vertices 'a'/ })
  assert.throws(() => asked('Sourc=2'), { hint: /Did you mean 'Source'\?/ })
})

test('It is reached once all vertices run at what was asked', () => {
  assert.equal(isReached(JOB, PRESENT), true)
  assert.equal(isReached({ ...JOB, state: 'RESTARTING' }, PRESENT), false)
  assert.equal(isReached(JOB, asked('4')), false)
})
