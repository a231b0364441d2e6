/** How long state lives by a hint: which operators it reaches, and what is wrong with it where. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GroupAggregateConfig } from '@millrace/sql-operators'
import type { SubmitResult } from '../environment/statement-result.ts'
import { errorOf, session } from '../testing/session.ts'

const DAY_MS = 86_400_000

/** Of the group aggregates, in the order of the job. */
function ttls(sql: string, configuration: Record<string, string> = {}): number[] {
  const { jobGraph } = session(configuration).execute(sql) as SubmitResult
  return jobGraph.vertices
    .flatMap(({ operators }) => operators)
    .filter(({ factory }) => factory === 'group-aggregate')
    .map(({ config }) => (config as GroupAggregateConfig).stateTtlMs)
}

const hinted = (hint: string, from = 'events') =>
  `SELECT /*+ ${hint} */ name, COUNT(*) FROM ${from} GROUP BY name`

test('a hint names what is in FROM, by its alias where it has one, and stands over the option', () => {
  const option = { 'table.exec.state.ttl': '1 h' }
  assert.deepEqual(ttls(hinted("STATE_TTL('events' = '1 d')"), option), [DAY_MS])
  assert.deepEqual(ttls(hinted("STATE_TTL('e' = '1d')", 'events AS e'), option), [DAY_MS])
  assert.deepEqual(ttls(hinted("STATE_TTL('q' = '1d')", '(SELECT * FROM events) q')), [DAY_MS])
  assert.deepEqual(ttls(hinted("STATE_TTL('events' = '0 s')"), option), [0])
  assert.deepEqual(ttls("SELECT /*+ STATE_TTL('events'='1d') */ DISTINCT name FROM events"), [
    DAY_MS,
  ])
})

test('a hint is its own block’s: operators of sub-queries and around it go by theirs', () => {
  const sql = `SELECT c, COUNT(*) FROM (${hinted("STATE_TTL('events' = '1 d')").replace('COUNT(*)', 'COUNT(*) AS c')}) AS q GROUP BY c`
  assert.deepEqual(ttls(sql), [DAY_MS, 0])
  const outer = sql
    .replace(/\/\*.*\*\/ /, '')
    .replace('SELECT', "SELECT /*+ STATE_TTL('q'='2 d') */")
  assert.deepEqual(ttls(outer), [0, 2 * DAY_MS])
})

test('of several entries for a name the first hint counts, and in it the last', () => {
  const all = "STATE_TTL('events' = '5 d', 'events' = '1 d'), STATE_TTL('events' = '9 d')"
  assert.deepEqual(ttls(hinted(all)), [DAY_MS])
})

test('EXPLAIN shows it', () => {
  const plan = session().execute(`EXPLAIN ${hinted("STATE_TTL('events' = '1 d')")}`)
  assert.match(JSON.stringify(plan), /stateTtlHints=\[\[\[STATE_TTL options:\{events=1 d\}\]\]\]/)
})

test('a name that is not in FROM, a time that is none and another hint are refused where they stand', () => {
  for (const [sql, line, column, message, code] of [
    [hinted("STATE_TTL('other' = '1 d')"), 1, 22, /names 'other'/, 'SQL_INVALID'],
    [hinted("STATE_TTL('events' = '1 d')", 'events AS e'), 1, 22, /names 'events'/, 'SQL_INVALID'],
    [hinted("STATE_TTL('events' =\n 'soon')"), 2, 2, /found 'soon'/, 'SQL_INVALID'],
    [hinted('BROADCAST(events)'), 1, 12, /BROADCAST/, 'SQL_NOT_SUPPORTED'],
    [hinted("OPTIONS('a' = 'b')"), 1, 12, /OPTIONS/, 'SQL_NOT_SUPPORTED'],
  ] as const) {
    const error = errorOf(() => session().execute(sql))
    assert.deepEqual(
      [error.code, error.location?.line, error.location?.column],
      [code, line, column],
      error.message,
    )
    assert.match(error.message, message)
  }
})
