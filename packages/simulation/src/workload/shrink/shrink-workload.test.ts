/**
 * Shrinking: every variant is whole and smaller, the order is the same each time, and a failure is
 * narrowed down.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SeededRandom } from '../../world/seeded-random.ts'
import { expectedOutput } from '../expected-output.ts'
import { generateWorkload, LATE_PROFILE } from '../generate-workload.ts'
import { queries } from '../model/query.ts'
import { rowCount, type Workload } from '../workload.ts'
import { workloadParts } from '../workload-parts.ts'
import { inputLines, workloadSql } from '../workload-text.ts'
import { shrinkWhileFailing, shrinkWorkload, workloadSize } from './shrink-workload.ts'

const PLACES = { bootstrapServers: 'broker:9092', inputDirectory: '/in', outputDirectory: '/out' }
const generated = (name: string) => generateWorkload(new SeededRandom(name))

/** SQL and every line: what a run would do. */
function textOf(workload: Workload): string {
  const lines = workload.tables.map(({ name }) => inputLines(workload, name))
  return JSON.stringify([workloadSql(workload, PLACES), lines])
}

describe('shrinking a workload', () => {
  it('gives variants that are smaller and have SQL, input and an expectation of their own', () => {
    for (let seed = 0; seed < 6; seed++) {
      const workload = generated(`shrink-${seed}`)
      const size = workloadSize(workload)
      const text = textOf(workload)
      let count = 0
      for (const variant of shrinkWorkload(workload)) {
        count++
        assert.ok(workloadSize(variant) < size)
        if (count % 9 !== 0) continue
        assert.ok(textOf(variant) !== text, workloadSql(variant, PLACES))
        expectedOutput(variant)
      }
      assert.ok(count > 10)
    }
  })

  it('gives the same variants in the same order each time', () => {
    const [a, b] = [generated('same'), generated('same')].map((workload) =>
      [...shrinkWorkload(workload)].map((variant) => workloadSql(variant, PLACES)),
    )
    assert.deepEqual(a, b)
  })

  it('ends at a workload with one row and one column when everything fails', async () => {
    for (let seed = 0; seed < 4; seed++) {
      const { workload } = await shrinkWhileFailing(generated(`all-${seed}`), () => true, 20_000)
      assert.ok(rowCount(workload) <= 3, `${rowCount(workload)} rows`)
      assert.equal(workload.parallelism, 1)
      assert.ok(workload.inputs.every(({ partitions }) => partitions.length === 1))
    }
  })

  it('keeps what the failure needs and loses the rest', async () => {
    const original = Array.from({ length: 100 }, (_, seed) => generated(`need-${seed}`)).find(
      (workload) =>
        workloadParts(workload).includes('aggregate AVG DOUBLE') && workload.parallelism > 2,
    )!
    const averages = (workload: Workload) =>
      [...queries(workload.query)].some(
        (query) =>
          (query.kind === 'window' || query.kind === 'group') &&
          query.aggregates.some((aggregate) => aggregate.function === 'AVG'),
      )
    const fails = (workload: Workload) =>
      averages(workload) && workload.parallelism > 1 && rowCount(workload) > 10
    const { workload, tries } = await shrinkWhileFailing(original, fails, 5000)
    assert.ok(fails(workload))
    assert.equal(workload.parallelism, 2)
    assert.ok(rowCount(workload) <= 14, `${rowCount(workload)} rows after ${tries} tries`)
    assert.ok(workloadSize(workload) < workloadSize(original) / 10)
  })

  it('gives up after the number of tries that it is given', async () => {
    const { tries } = await shrinkWhileFailing(generated('tries'), () => false, 7)
    assert.equal(tries, 7)
  })

  it('keeps the column that tells late rows apart', () => {
    const workload = generateWorkload(new SeededRandom('late'), LATE_PROFILE)
    for (const variant of shrinkWorkload(workload)) {
      const expectation = expectedOutput(variant)
      assert.equal(expectation.kind, 'late')
      if (expectation.kind === 'late') assert.ok(expectation.columns.includes('late_bits'))
    }
  })
})
