/**
 * Every checker sees a loss, a duplicate, a wrong value and a torn row, and nothing in
 * a right output.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Losses } from '../faults/losses.ts'
import {
  CHANGELOG_PROFILE,
  expectedOutput,
  generateWorkload,
  LATE_PROFILE,
  MAIN_JOB_PROFILE,
  SeededRandom,
} from '../index.ts'
import type {
  ChangelogExpectation,
  LateExpectation,
  RowsExpectation,
} from '../workload/expected-output.ts'
import { atLeastOnceOutput } from './at-least-once-output.ts'
import { changelogOutput, parseChange } from './changelog-output.ts'
import { exactlyOnceFiles } from './exactly-once-files.ts'
import { exactlyOnceOutput } from './exactly-once-output.ts'
import { lateRows } from './late-rows.ts'
import { judgeFailedEnd } from './named-end.ts'
import { DETAILS_MAX, type Violation, violation } from './violation.ts'
import { WaitsChecker } from './waits-checker.ts'

const COLUMNS = ['k', 'window_start', 'n']
const EXPECTED: RowsExpectation = {
  kind: 'rows',
  columns: COLUMNS,
  rows: ['["a","10:00",1]', '["a","10:01",2]', '["b","10:00",3]', '["b","10:00",3]'],
}
const line = (k: string, start: string, n: number) => JSON.stringify({ k, window_start: start, n })
const RIGHT = [
  line('b', '10:00', 3),
  line('a', '10:01', 2),
  line('a', '10:00', 1),
  line('b', '10:00', 3),
]

const messages = (violations: readonly Violation[]) =>
  violations.map(({ message, details }) => `${message}: ${details.join(' | ')}`).join('\n')

describe('exactly-once output', () => {
  it('accepts the expected rows in any order, and fields in any order', () => {
    assert.deepEqual(exactlyOnceOutput(EXPECTED, RIGHT), [])
    const turned = [...RIGHT.slice(1), '{"n":3,"window_start":"10:00","k":"b"}']
    assert.deepEqual(exactlyOnceOutput(EXPECTED, turned), [])
  })

  it('sees a loss', () => {
    const found = messages(exactlyOnceOutput(EXPECTED, RIGHT.slice(1)))
    assert.match(found, /^1 of 4 expected rows are missing \(.*\): \["b","10:00",3\]$/)
  })

  it('sees a duplicate, of a row that is expected twice as well', () => {
    const found = messages(exactlyOnceOutput(EXPECTED, [...RIGHT, RIGHT[0]!]))
    assert.match(found, /^1 rows are there more often than expected .*: \["b","10:00",3\]$/)
  })

  it('sees a wrong value and names both rows', () => {
    const found = messages(
      exactlyOnceOutput(EXPECTED, [...RIGHT.slice(0, 3), line('b', '10:00', 4)]),
    )
    assert.match(found, /^1 rows are wrong .*: \["b","10:00",4\], not \["b","10:00",3\]$/)
  })

  it('sees a row that nobody expects', () => {
    const found = messages(exactlyOnceOutput(EXPECTED, [...RIGHT, line('c', '10:00', 1)]))
    assert.match(found, /^1 rows are not expected .*: \["c","10:00",1\]$/)
  })

  it('sees torn rows: half a line, two in one, a column too few', () => {
    for (const torn of [
      '{"k":"a","window_',
      RIGHT[0]! + RIGHT[1]!,
      '{"k":"a","n":1}',
      '[1]',
      'null',
    ]) {
      const found = messages(exactlyOnceOutput(EXPECTED, [...RIGHT, torn]))
      assert.ok(found.startsWith('1 lines are no whole row'), found)
    }
  })
})

describe('an output that broke off', () => {
  it('may lack rows, and has none twice, wrong or strange', () => {
    const judge = (lines: readonly string[]) =>
      messages(exactlyOnceOutput(EXPECTED, lines, { brokenOff: true }))
    assert.equal(judge([]), '')
    assert.equal(judge(RIGHT.slice(1)), '')
    assert.match(judge([line('a', '10:01', 2), line('a', '10:01', 2)]), /more often/)
    assert.match(judge([line('a', '10:01', 3)]), /are wrong/)
    assert.match(judge([line('c', '10:01', 3)]), /are not expected/)
  })
})

describe('exactly-once files', () => {
  const file = (name: string, lines: readonly string[]) => ({
    name,
    text: lines.map((text) => `${text}\n`).join(''),
  })
  const COMMITTED = [file('part-1-0-0', RIGHT.slice(0, 2)), file('part-1-1-0', RIGHT.slice(2))]

  it('accepts committed files, and hidden ones while the job runs', () => {
    const pending = file('.part-1-0-1.pending.7', RIGHT)
    assert.deepEqual(exactlyOnceFiles(EXPECTED, COMMITTED, { finished: true }), [])
    assert.deepEqual(exactlyOnceFiles(EXPECTED, [...COMMITTED, pending], { finished: false }), [])
  })

  it('sees what is left uncommitted when the job has finished', () => {
    const stray = file('.part-1-0-1.inprogress', RIGHT)
    const found = messages(exactlyOnceFiles(EXPECTED, [...COMMITTED, stray], { finished: true }))
    assert.equal(found, '1 files are left uncommitted: .part-1-0-1.inprogress')
  })

  it('sees a file that was committed twice, one that was lost and one that ends within a line', () => {
    const [first, second] = COMMITTED as [(typeof COMMITTED)[0], (typeof COMMITTED)[0]]
    const twice = [...COMMITTED, { ...first, name: 'part-2-0-0' }]
    assert.match(
      messages(exactlyOnceFiles(EXPECTED, twice, { finished: true })),
      /2 rows are there more often/,
    )
    assert.match(
      messages(exactlyOnceFiles(EXPECTED, [first], { finished: true })),
      /2 of 4 expected rows/,
    )
    const cut = [first, { ...second, text: second.text.slice(0, -9) }]
    const found = messages(exactlyOnceFiles(EXPECTED, cut, { finished: true }))
    assert.match(found, /1 lines are no whole row/)
    assert.match(found, /1 committed files end within a line: part-1-1-0/)
  })
})

describe('at-least-once output', () => {
  it('accepts duplicates, and sees losses, wrong values and torn rows', () => {
    assert.deepEqual(atLeastOnceOutput(EXPECTED, [...RIGHT, ...RIGHT]), [])
    assert.match(messages(atLeastOnceOutput(EXPECTED, RIGHT.slice(1))), /^1 of 4 expected rows/)
    const wrong = [...RIGHT, line('a', '10:00', 2)]
    assert.match(messages(atLeastOnceOutput(EXPECTED, wrong)), /^1 rows are not expected/)
    assert.match(messages(atLeastOnceOutput(EXPECTED, [...RIGHT, '{'])), /^1 lines are no whole/)
  })
})

describe('changelog output', () => {
  const expectation: ChangelogExpectation = {
    kind: 'changelog',
    columns: ['k', 'n'],
    keyColumns: ['k'],
    growing: false,
    counting: false,
    rows: ['["a","3"]', '["b","1"]'],
  }
  const RIGHT_CHANGES = [
    '> +I[a, 1]',
    '> -U[a, 1]',
    '> +U[a, 3]',
    '> +I[c, 1]',
    '> -D[c, 1]',
    '> +I[b, 1]',
  ]
  const strictly = (lines: readonly string[]) => messages(changelogOutput(expectation, lines, 1))

  it('reads what print writes, with and without an identifier and a subtask', () => {
    assert.deepEqual(parseChange('job:2> +U[a, null, ]'), { kind: '+U', values: ['a', 'null', ''] })
    assert.deepEqual(parseChange('+I[1.0]'), { kind: '+I', values: ['1.0'] })
    assert.equal(parseChange('job:2> +U[a, nu'), null)
  })

  it('applies insertions, updates and deletions', () => {
    assert.equal(strictly(RIGHT_CHANGES), '')
  })

  it('sees a lost update, a doubled one, a wrong value and a torn line', () => {
    assert.match(strictly(RIGHT_CHANGES.slice(0, 5)), /1 of 2 expected rows are missing/)
    assert.match(
      strictly([...RIGHT_CHANGES, '> +I[b, 1]']),
      /1 rows are in the result more than once/,
    )
    assert.match(
      strictly([...RIGHT_CHANGES, '> -U[b, 1]', '> +U[b, 2]']),
      /not expected: \["b","2"\]/,
    )
    assert.match(strictly([...RIGHT_CHANGES, '> +I[b']), /1 lines are no whole change/)
    assert.match(strictly([...RIGHT_CHANGES, '> -U[a, 1]']), /1 retractions name no row/)
  })

  it('takes the last word of each key when changes were repeated after a failure', () => {
    const repeated = [...RIGHT_CHANGES.slice(0, 3), ...RIGHT_CHANGES]
    assert.deepEqual(changelogOutput(expectation, repeated, 2), [])
    const older = [...RIGHT_CHANGES, '> -U[a, 1]', '> +U[a, 2]']
    const counting = { ...expectation, counting: true }
    assert.match(messages(changelogOutput(counting, older, 2)), /expected rows are missing/)
    // Unless a row can come again: then a lost attempt may have had the last word.
    assert.deepEqual(changelogOutput(expectation, older, 2), [])
    const never = RIGHT_CHANGES.filter((line) => line !== '> +U[a, 3]')
    assert.match(messages(changelogOutput(expectation, never, 2)), /expected rows are missing/)
  })

  it('sees what no attempt can have printed, wherever it began', () => {
    const again = (more: readonly string[], attempts = 2, growing = false) =>
      messages(changelogOutput({ ...expectation, growing }, [...RIGHT_CHANGES, ...more], attempts))
    assert.match(again(['> -U[b, 7]', '> +U[b, 1]']), /1 retractions name a row that was never/)
    assert.equal(again(['> -U[a, 1]', '> +U[a, 3]']), '')
    // A passing state of a lost attempt, unless groups only grow.
    assert.equal(again(['> +I[d, 1]']), '')
    assert.match(again(['> +I[d, 1]'], 2, true), /2 keys are not expected: \["c"\] \| \["d"\]/)
    assert.doesNotMatch(again(['> +I[b, 1]'], 2, true), /more often/)
    const thrice = [...RIGHT_CHANGES, '> +U[a, 3]', '> +U[a, 3]']
    assert.match(
      messages(changelogOutput({ ...expectation, counting: true }, thrice, 2)),
      /1 rows came more often than 2 times: \["a","3"\] 3 times/,
    )
    assert.match(
      again(['> +I[b, 1]', '> +I[b, 1]'], 2, true),
      /1 keys came more often than 2 times/,
    )
  })

  it('finds its key columns in a generated job', () => {
    const workload = generateWorkload(new SeededRandom('keys'), CHANGELOG_PROFILE)
    const generated = expectedOutput(workload) as ChangelogExpectation
    assert.equal(generated.kind, 'changelog')
    assert.ok(generated.keyColumns.every((name) => generated.columns.includes(name)))
  })
})

describe('late rows', () => {
  const workloads = Array.from({ length: 8 }, (_, n) =>
    generateWorkload(new SeededRandom(`late-${n}`), LATE_PROFILE),
  )
  const expectations = workloads.map((workload) => {
    const expectation = expectedOutput(workload) as LateExpectation
    return {
      ...expectation,
      groups: expectation.groups.map((group) => ({ ...group, taken: null })),
    }
  })
  /** Lines when the late rows that `isIn` names are taken by every window that holds them. */
  function linesOf(expectation: LateExpectation, isIn: (n: number) => boolean): string[] {
    return expectation.groups.flatMap((group) => {
      const late = group.lateRows.filter(isIn)
      if (!group.required && late.length === 0) return []
      const values = JSON.parse(group.rowWith(new Set(late))) as unknown[]
      const entries = expectation.columns.map((name, i) => [name, values[i]])
      return [JSON.stringify(Object.fromEntries(entries))]
    })
  }
  const judge = (
    expectation: LateExpectation,
    lines: readonly string[],
    droppedCount: number | null = null,
  ) => messages(lateRows(expectation, { lines, guarantee: 'exactly-once', droppedCount }))

  it('accepts every late row in, none in, and some in', () => {
    for (const expectation of expectations) {
      for (const isIn of [() => true, () => false, (n: number) => n % 2 === 0]) {
        assert.equal(judge(expectation, linesOf(expectation, isIn)), '')
      }
    }
  })

  it('sees a window that lost a row, came twice, is missing, or is torn', () => {
    for (const expectation of expectations) {
      const lines = linesOf(expectation, () => false)
      const [first, ...others] = lines as [string, ...string[]]
      assert.match(judge(expectation, others), /^1 windows with rows in time are missing/)
      assert.match(judge(expectation, [...lines, first]), /^1 windows came out more than once/)
      assert.match(judge(expectation, [...others, first.slice(0, -2)]), /1 lines are no whole row/)
      const object = JSON.parse(first) as Record<string, unknown>
      const aggregate = expectation.columns.find((name) => name.startsWith('a'))!
      const wrong = JSON.stringify({ ...object, [aggregate]: 'wrong' })
      assert.match(judge(expectation, [...others, wrong]), /^1 windows are wrong/)
    }
  })

  it('sees a late row that counts in a window to which it does not belong', () => {
    const expectation = expectations[0]!
    const lines = linesOf(expectation, () => false)
    const object = JSON.parse(lines[0]!) as Record<string, unknown>
    const strange = JSON.stringify({ ...object, [expectation.bitsColumn]: 2 ** 47 })
    const found = judge(expectation, [strange, ...lines.slice(1)])
    assert.match(found, /^1 windows are wrong: .*not with those late rows/)
  })

  it('sees each late row that the rows before it did not make late, where one reader reads one partition', () => {
    for (const workload of workloads) {
      const rows = workload.inputs.flatMap(({ partitions }) => partitions.flat())
      const inputs = [{ ...workload.inputs[0]!, partitions: [rows] }]
      const settings = { ...workload.settings, 'pipeline.auto-watermark-interval': '50 ms' }
      const alone = { bounded: true, parallelism: 1, finalWatermarkMs: Number.POSITIVE_INFINITY }
      const expectation = expectedOutput({
        ...workload,
        ...alone,
        inputs,
        settings,
      }) as LateExpectation
      const taken = new Set(expectation.groups.flatMap((group) => [...group.taken!]))
      assert.ok(taken.size < expectation.lateRowCount || expectation.lateRowCount === 0)
      const lines = expectation.groups.flatMap((group) => {
        if (!group.required && group.taken!.size === 0) return []
        const values = JSON.parse(group.rowWith(group.taken!)) as unknown[]
        const entries = expectation.columns.map((name, i) => [name, values[i]])
        return [JSON.stringify(Object.fromEntries(entries))]
      })
      assert.equal(judge(expectation, lines), '')
      const all = linesOf(expectation, () => true)
      if (taken.size < expectation.lateRowCount) assert.match(judge(expectation, all), /are wrong/)
    }
  })

  it('sees a late row that is neither in a window nor counted as dropped', () => {
    const tumbling = expectations.filter(
      ({ isTumbling, lateRowCount }) => isTumbling && lateRowCount > 1,
    )
    assert.ok(tumbling.length > 0)
    for (const expectation of tumbling) {
      const { lateRowCount } = expectation
      assert.equal(
        judge(
          expectation,
          linesOf(expectation, () => false),
          lateRowCount,
        ),
        '',
      )
      assert.equal(
        judge(
          expectation,
          linesOf(expectation, () => true),
          0,
        ),
        '',
      )
      const lines = linesOf(expectation, () => false)
      assert.match(
        judge(expectation, lines, lateRowCount - 1),
        /were counted as dropped; there are/,
      )
    }
  })
})

describe('a violation', () => {
  it('shows a bounded number of bounded rows', () => {
    const rows = Array.from({ length: 1000 }, () => 'x'.repeat(10_000))
    const { details } = violation('some-checker', 'many', rows)
    assert.equal(details.length, DETAILS_MAX + 1)
    assert.equal(details.at(-1), '… and 980 more')
    assert.ok(details.every((detail) => detail.length < 1000))
  })

  it('is not found in what the oracle itself expects', () => {
    const workload = generateWorkload(new SeededRandom('plain'), MAIN_JOB_PROFILE)
    const expectation = expectedOutput(workload) as RowsExpectation
    const lines = expectation.rows.map((row) => {
      const values = JSON.parse(row) as unknown[]
      return JSON.stringify(
        Object.fromEntries(expectation.columns.map((name, i) => [name, values[i]])),
      )
    })
    assert.deepEqual(exactlyOnceOutput(expectation, lines), [])
  })
})

describe('a job that failed', () => {
  it('ends by the name of what a fault took from it, and by no other', () => {
    const losses = new Losses()
    losses.recordsGone('t', 1, 7)
    losses.transactionGone('sink-0-3')
    const judge = (code: string, message: string, offset = '0', partition = 1) =>
      messages(
        judgeFailedEnd(
          { cause: { code, message, location: { topic: 't', partition, offset } }, retained: [] },
          losses,
        ),
      )
    assert.equal(judge('KAFKA_TRANSACTION_LOST', 'The transaction sink-0-3 of it.'), '')
    assert.match(judge('KAFKA_TRANSACTION_LOST', 'The transaction sink-0-31 of it.'), /LOST/)
    assert.equal(judge('KAFKA_OFFSET_OUT_OF_RANGE', '', '6'), '')
    assert.match(judge('KAFKA_OFFSET_OUT_OF_RANGE', '', '7'), /RANGE/)
    assert.match(judge('KAFKA_OFFSET_OUT_OF_RANGE', '', '6', 2), /RANGE/)
    losses.topicMadeAnew('t')
    assert.equal(judge('KAFKA_TOPIC_MADE_ANEW', ''), '')
    losses.topicMadeAnew('u')
    assert.match(judge('KAFKA_TOPIC_MISSING', ''), /MISSING/)
    assert.match(judge('SLOT_LOST', 'The transaction sink-0-3 of it.'), /SLOT_LOST/)
  })
})

describe('waits', () => {
  const job = { jobId: 'j', state: 'RESTARTING', reason: 'restarts in 1 s', underWay: [] }

  it('have a reason in every state but those at rest', () => {
    const checker = new WaitsChecker(1000)
    checker.observe(1, job, 200)
    checker.observe(1, { ...job, state: 'RUNNING', reason: null }, 200)
    assert.deepEqual([checker.violations, checker.observed], [[], 1])
    checker.observe(1, { ...job, reason: null }, 200)
    checker.observe(1, { ...job, state: 'CREATED', reason: ' ' }, 200)
    assert.match(messages(checker.violations), /j is RESTARTING.*: no reason\nj is CREATED/)
  })

  it('end: a checkpoint that stays under way is seen once, and again under another leader', () => {
    const checker = new WaitsChecker(1000)
    const look = (epoch: number, ids: readonly number[], times: number, acknowledged = false) => {
      const underWay = ids.map((id) => ({ id, acknowledged }))
      for (let i = 0; i < times; i++) checker.observe(epoch, { ...job, underWay }, 200)
    }
    look(1, [7], 31)
    assert.deepEqual(checker.violations, [])
    look(1, [7, 8], 5)
    assert.match(messages(checker.violations), /^Checkpoint 7 of j .* 6200 ms.*: at most 6000$/)
    look(2, [7], 32)
    assert.equal(checker.violations.length, 2)
    look(3, [7], 181, true)
    assert.equal(checker.violations.length, 2, 'its record may take longer')
    look(3, [7], 1, true)
    assert.equal(checker.violations.length, 3)
  })
})
