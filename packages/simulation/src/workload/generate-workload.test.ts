/**
 * Generated workloads: the same from the same seed, over everything there is, and late only
 * when they say so.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SeededRandom } from '../world/seeded-random.ts'
import { expectedOutput } from './expected-output.ts'
import { EXTREMES_SHAPE } from './generate/random-query.ts'
import {
  generateWorkload,
  LATE_PROFILE,
  SILENCE_PROFILE,
  SWARM_PROFILE,
} from './generate-workload.ts'
import { OPERATORS } from './operators/operator-table.ts'
import { rowCount, type Workload } from './workload.ts'
import { workloadParts } from './workload-parts.ts'
import { inputLines, workloadSql } from './workload-text.ts'

const PLACES = { bootstrapServers: 'broker:9092', inputDirectory: '/in', outputDirectory: '/out' }
const WORKLOADS = Array.from({ length: 200 }, (_, seed) =>
  generateWorkload(new SeededRandom(`seed-${seed}`)),
)

/** Rows with partition, by arrival. */
function arrivals(workload: Workload) {
  const rowtimes = new Map(
    workload.tables.map((table) => [
      table.name,
      table.columns.find(({ fill }) => fill === 'rowtime' || fill === 'rowtime-text')!,
    ]),
  )
  return workload.inputs
    .flatMap(({ table, partitions }) =>
      partitions.flatMap((rows) =>
        rows.map(({ atMs, values, late }) => {
          const { name, fill } = rowtimes.get(table)!
          const value = values[name]
          const timeMs =
            fill === 'rowtime'
              ? (value as number)
              : Date.parse(`${String(value).replace(' ', 'T')}Z`)
          return { atMs, timeMs, late, sequence: Number(values.seq ?? 0) }
        }),
      ),
    )
    .sort((a, b) => a.atMs - b.atMs || a.timeMs - b.timeMs)
}

describe('generated workloads', () => {
  it('are the same from the same seed, and differ between seeds', () => {
    const texts = WORKLOADS.slice(0, 20).map((workload) => workloadSql(workload, PLACES))
    assert.equal(new Set(texts).size, texts.length)
    for (let seed = 0; seed < 5; seed++) {
      const again = generateWorkload(new SeededRandom(`seed-${seed}`))
      assert.equal(workloadSql(again, PLACES), texts[seed])
      const { name } = again.tables[0]!
      assert.deepEqual(inputLines(again, name), inputLines(WORKLOADS[seed]!, name))
    }
  })

  it('draw every operator, aggregate, window form, shape, source and sink often over 200 seeds', () => {
    const counts = new Map<string, number>()
    for (const part of WORKLOADS.flatMap(workloadParts)) {
      counts.set(part, (counts.get(part) ?? 0) + 1)
    }
    const wanted = [
      ...[...OPERATORS.keys()].map((name) => `operator ${name}`),
      ...['COUNT', 'SUM', 'AVG', 'MIN', 'MAX'].map((name) => `aggregate ${name} DISTINCT`),
      ...['SUM', 'AVG', 'MIN', 'MAX'].flatMap((name) =>
        ['INT', 'BIGINT', 'DOUBLE', 'DECIMAL'].map((kind) => `aggregate ${name} ${kind}`),
      ),
      ...['STRING', 'DATE', 'TIMESTAMP'].map((kind) => `aggregate MAX ${kind}`),
      ...['aggregate COUNT *', 'aggregate FILTER', 'HAVING'],
      ...['tumble', 'hop'].flatMap((kind) => [
        `window ${kind} table-function`,
        `window ${kind} group-function`,
      ]),
      ...['scan', 'select', 'union', 'window', 'group'].map((kind) => `query ${kind}`),
      ...['subquery', 'view', 'with'].map((placement) => `select in a ${placement}`),
      ...[...SWARM_PROFILE.shapes, ...SWARM_PROFILE.laterShapes, EXTREMES_SHAPE].map(
        (shape) => `shape ${shape}`,
      ),
      ...['kafka bounded', 'kafka unbounded', 'filesystem bounded', 'filesystem unbounded'].map(
        (source) => `source ${source}`,
      ),
      ...['kafka exactly-once', 'kafka at-least-once', 'filesystem exactly-once'].map(
        (sink) => `sink ${sink}`,
      ),
      ...[1, 2, 3, 4].map((parallelism) => `parallelism ${parallelism}`),
    ]
    const rare = wanted.filter((part) => (counts.get(part) ?? 0) < 3)
    assert.deepEqual(rare, [])
    assert.ok(counts.get('shape main-job')! >= 20)
  })

  it('expect something, and have 200 to 2,000 rows and 1 to 5 partitions', () => {
    for (const workload of WORKLOADS) {
      const expectation = expectedOutput(workload)
      const size = expectation.kind === 'late' ? expectation.groups : expectation.rows
      assert.ok(size.length > 0)
      assert.ok(rowCount(workload) >= 200 && rowCount(workload) <= 2020)
      for (const { partitions } of workload.inputs) {
        assert.ok(partitions.length >= 1 && partitions.length <= 5)
      }
    }
  })

  it('have no row that is late against any earlier one, unless they are of the late profile', () => {
    const plain = WORKLOADS.filter(({ emptyPartitions }) => emptyPartitions === undefined)
    for (const workload of plain.filter(({ late, bounded }) => !late && !bounded)) {
      const delayMs = workload.tables[0]!.watermarkDelayMs
      let latest = Number.NEGATIVE_INFINITY
      let before = { atMs: -1, latest }
      for (const { atMs, timeMs } of arrivals(workload)) {
        // The first rows only raise the watermark of their own partition; the others hold it back.
        if (atMs === 0) continue
        if (atMs > before.atMs) before = { atMs, latest }
        assert.ok(timeMs > before.latest - delayMs)
        latest = Math.max(latest, timeMs)
      }
    }
  })

  it('have late rows in the late profile, each behind the watermark of what came before', () => {
    let total = 0
    for (let seed = 0; seed < 20; seed++) {
      const workload = generateWorkload(new SeededRandom(`late-${seed}`), LATE_PROFILE)
      const delayMs = workload.tables[0]!.watermarkDelayMs
      const rows = arrivals(workload).sort((a, b) => a.sequence - b.sequence)
      let latest = Number.NEGATIVE_INFINITY
      for (const { timeMs, late, sequence } of rows.filter((row) => row.sequence >= 0)) {
        assert.equal(timeMs < latest - delayMs, late !== undefined, `row ${sequence}`)
        latest = Math.max(latest, timeMs)
        if (late !== undefined) total++
      }
    }
    assert.ok(total > 100)
  })

  it('leave a partition silent in the silence profile, with an idle timeout', () => {
    for (let seed = 0; seed < 5; seed++) {
      const workload = generateWorkload(new SeededRandom(`silent-${seed}`), SILENCE_PROFILE)
      assert.equal(workload.exactUnderStalls, false)
      assert.match(workloadSql(workload, PLACES), /'table.exec.source.idle-timeout' = '\d+ ms'/)
      const last = workload.inputs.map(({ partitions }) => partitions.at(-1)!.at(-1)!.atMs)
      const end = Math.max(
        ...workload.inputs.flatMap(({ partitions }) => partitions.flat()).map(({ atMs }) => atMs),
      )
      assert.ok(Math.max(...last) < end)
    }
  })

  it('draw input that does not change when the job draws differently', () => {
    const random = new SeededRandom('split')
    const first = random.split('input').uint32()
    random.split('job').uint32()
    assert.equal(random.split('input').uint32(), first)
  })
})
