/** Which restarts of a pipeline beside another have their reason. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type ObservedFailure, RegionChecker } from './region-checker.ts'

function observing() {
  const checker = new RegionChecker()
  const failures: ObservedFailure[] = []
  const observe = (left: number, right: number, restarts: number, rescales = 0) =>
    checker.observe({
      life: 'job 1',
      regions: [
        { names: ['left', 'left-sink'], attempts: String(left) },
        { names: ['right'], attempts: String(right) },
      ],
      failures,
      restarts,
      rescales,
    })
  const fail = (taskName: string | null, code = 'DOWN') =>
    failures.push({ error: { code }, taskName })
  observe(0, 0, 0)
  return { checker, observe, fail }
}

test('The pipeline that failed may come back, and no other', () => {
  const { checker, observe, fail } = observing()
  fail('left-sink (1/2) - execution #0')
  observe(0, 0, 1)
  observe(1, 0, 1)
  assert.deepEqual([checker.violations, checker.observed], [[], 1])
  fail('left (1/2) - execution #1')
  observe(2, 1, 2)
  assert.equal(checker.violations.length, 1)
  assert.match(checker.violations[0]?.details.join() ?? '', /^right,1$/)
})

test('What is of several tasks, of the whole job or no failure may take all along', () => {
  const { checker, observe, fail } = observing()
  fail('left (1/2) - execution #0', 'TASK_MANAGER_LOST')
  observe(1, 1, 1)
  fail(null)
  observe(2, 2, 2)
  observe(3, 3, 2)
  // Cause: a rescale right behind the restart of one, between two looks.
  fail('right (1/2) - execution #3')
  observe(4, 5, 3, 1)
  assert.deepEqual(checker.violations, [])
})
