/**
 * The SQL corpus: what the reference engine answered to some eight hundred statements, run here
 * in one process.
 *
 * Each case is as its state says (corpus/README.md). The list of those that are not right
 * yet may only shrink: a case that has come right must leave it, and one that was right must
 * not come to it.
 */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { judge } from './corpus-answer.ts'
import { RUN_FOLDERS, readCases, readDecisions } from './corpus-case.ts'
import { CorpusCluster, type Outcome } from './corpus-cluster.ts'
import { readNotYet } from './corpus-states.ts'
import { documentWithTable } from './corpus-table.ts'

const SIDE_BY_SIDE = 8
const FEWEST_CASES = 800

describe('the SQL corpus', () => {
  const cases = RUN_FOLDERS.flatMap((folder) => readCases(folder))
  const notYet = readNotYet()
  let outcomes: ReadonlyMap<string, Outcome>
  before(async () => {
    outcomes = await new CorpusCluster().runAll(cases, SIDE_BY_SIDE)
  })

  for (const corpusCase of cases) {
    const { name, recorded, departure } = corpusCase
    const reason = notYet.get(name)
    const state = reason === undefined ? (departure === null ? '' : ' (departs)') : ' (not yet)'
    it(`answers ${name}${state}`, () => {
      const outcome = outcomes.get(name) as Outcome
      const verdict = judge(corpusCase, departure ?? recorded, outcome)
      if (reason === undefined) {
        assert.ok(verdict.passes, verdict.passes ? '' : verdict.why)
        return
      }
      assert.ok(
        !verdict.passes,
        `It is right now: take it off corpus/not-yet.txt (${reason.name}).`,
      )
      assert.match(
        outcome.error ?? 'rows came',
        new RegExp(`(${reason.refused.source}).* is not supported yet\\.`),
        `It must be right, or refused for want of ${reason.name}: ${verdict.why}`,
      )
    })
  }

  it('departs by a numbered decision, and only where the recorded answer is another', () => {
    const decisions = readDecisions()
    for (const corpusCase of cases) {
      const { name, departure, recorded } = corpusCase
      if (departure === null) continue
      assert.ok(decisions.has(departure.decision), `${name}: no decision ${departure.decision}`)
      if (notYet.has(name)) continue
      const asRecorded = judge(corpusCase, recorded, outcomes.get(name) as Outcome)
      assert.ok(!asRecorded.passes, `${name} answers what was recorded: drop its departure.`)
    }
  })

  it('has all its cases, and lists none that is not there', () => {
    const names = new Set(cases.map(({ name }) => name))
    assert.ok(names.size >= FEWEST_CASES, `${names.size} cases`)
    assert.deepEqual(
      [...notYet.keys()].filter((name) => !names.has(name)),
      [],
    )
  })

  it('has its counts in CONTRIBUTING.md', () => {
    const { current, wanted } = documentWithTable()
    assert.equal(current, wanted, 'Run: node test/sql/corpus-table.ts')
  })
})
