/** Partitions that start empty: what each kind draws, and what makes its judgement certain. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SeededRandom } from '../../world/seeded-random.ts'
import { expectedOutput, type LateExpectation } from '../expected-output.ts'
import { EMPTY_PARTITIONS_PROFILE, generateWorkload } from '../generate-workload.ts'
import type { EmptyPartitions, InputRow, Workload } from '../workload.ts'

const WORKLOADS = Array.from({ length: 150 }, (_, seed) =>
  generateWorkload(new SeededRandom(`empty-${seed}`), EMPTY_PARTITIONS_PROFILE),
)
const HOLDS = 'table.exec.source.empty-split-holds-watermark'
const IDLE_TIMEOUT = 'table.exec.source.idle-timeout'

function some(kind: EmptyPartitions, bounded: boolean): readonly Workload[] {
  const found = WORKLOADS.filter((w) => w.emptyPartitions === kind && w.bounded === bounded)
  assert.ok(found.length >= 4, `${kind}: ${found.length}`)
  return found
}
const partitionsOf = ({ inputs }: Workload) => inputs.flatMap(({ partitions }) => partitions)
const startsLate = ([first]: readonly InputRow[]) => first !== undefined && first.atMs > 0
const timesOf = (workload: Workload, rows: readonly InputRow[]) =>
  rows.map(({ values }) => values[workload.tables[0]!.rowtime] as number)
const idleTimeoutMs = ({ settings }: Workload) => Number(settings[IDLE_TIMEOUT]?.split(' ')[0])

describe('partitions that start empty', () => {
  it('hold the watermark until their first row, which all of them get', () => {
    for (const workload of some('hold', false)) {
      assert.equal(workload.settings[HOLDS], 'true')
      assert.equal(workload.settings[IDLE_TIMEOUT], undefined)
      assert.ok(partitionsOf(workload).some(startsLate))
      for (const rows of partitionsOf(workload)) assert.equal(rows.at(-1)?.closing, true)
    }
  })

  it('are empty to the end of a bounded job, which all of them reach', () => {
    for (const kind of ['hold', 'hold-until-idle'] as const) {
      for (const workload of some(kind, true)) {
        assert.equal(workload.settings[HOLDS], 'true')
        assert.ok(partitionsOf(workload).some((rows) => rows.length === 0))
      }
    }
  })

  it('are empty for ever only where they go idle, long after the others have had their rows', () => {
    for (const workload of some('hold-until-idle', false)) {
      assert.equal(workload.settings[HOLDS], 'true')
      assert.ok(partitionsOf(workload).some((rows) => rows.length === 0))
      const lastMs = Math.max(...partitionsOf(workload).flatMap((rows) => rows.map((r) => r.atMs)))
      assert.ok(idleTimeoutMs(workload) > 5 * lastMs)
    }
  })

  it('have the rows that may be late, and those alone, where they hold nothing', () => {
    for (const kind of ['late', 'late-and-idle'] as const) {
      for (const workload of some(kind, false)) {
        const [late, ...more] = partitionsOf(workload).filter(startsLate)
        assert.deepEqual(more, [])
        const open = partitionsOf(workload).filter((rows) => rows !== late)
        assert.ok(open.flat().every((row) => row.late === undefined))
        const numbered = late!.filter((row) => row.closing !== true)
        const numbers = numbered.map((row) => row.late)
        assert.deepEqual(numbers, [...numbered.keys()])
        const { lateRowCount } = expectedOutput(workload) as LateExpectation
        assert.ok(lateRowCount > 0 && lateRowCount <= numbers.length)
      }
    }
  })

  it('end as the others do where none goes idle, so that they hold the watermark back no longer', () => {
    for (const workload of some('late', false)) {
      assert.equal(workload.settings[IDLE_TIMEOUT], undefined)
      for (const rows of partitionsOf(workload)) {
        if (rows.length > 0) assert.equal(rows.at(-1)!.closing, true)
      }
    }
  })

  it('cannot make a row of another partition late, though any of them may be idle at any time', () => {
    for (const workload of some('late-and-idle', false)) {
      assert.ok(idleTimeoutMs(workload) <= 2000)
      const { watermarkDelayMs } = workload.tables[0]!
      const late = partitionsOf(workload).find(startsLate)!
      const [main, ...more] = partitionsOf(workload).filter((rows) => rows !== late)
      assert.deepEqual(more, [])
      const times = timesOf(workload, main!)
      const earliestMs = Math.min(...times)
      for (const timeMs of timesOf(workload, late)) {
        assert.ok(timeMs - watermarkDelayMs < earliestMs)
      }
      let latestMs = Number.NEGATIVE_INFINITY
      for (const timeMs of times) {
        assert.ok(timeMs > latestMs - watermarkDelayMs)
        latestMs = Math.max(latestMs, timeMs)
      }
      assert.equal(late.at(-1)!.closing, undefined)
      assert.equal(main!.at(-1)!.closing, true)
    }
  })

  it('get their rows in order of arrival, in at most as many partitions as the profile allows', () => {
    for (const rows of WORKLOADS.flatMap(partitionsOf)) {
      for (const [i, { atMs }] of rows.entries()) assert.ok(atMs >= (rows[i - 1]?.atMs ?? 0))
    }
    for (const { partitions } of WORKLOADS.flatMap(({ inputs }) => inputs)) {
      assert.ok(partitions.length <= EMPTY_PARTITIONS_PROFILE.partitionsMax)
    }
  })

  it('leave the workloads without them as they are', () => {
    const unchanged = { ...EMPTY_PARTITIONS_PROFILE, emptyPartitions: 0 }
    for (const [seed, workload] of WORKLOADS.slice(0, 30).entries()) {
      const plain = generateWorkload(new SeededRandom(`empty-${seed}`), unchanged)
      assert.equal(plain.emptyPartitions, undefined)
      assert.equal(plain.parallelism, workload.parallelism)
      assert.deepEqual(plain.sourceProperties, workload.sourceProperties)
    }
  })
})
