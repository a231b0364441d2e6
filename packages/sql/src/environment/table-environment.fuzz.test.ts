/**
 * Mutated statements. `FUZZ_SEED` and `FUZZ_RUNS` repeat or lengthen a run; every
 * failure names both.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '@millrace/core'
import { splitStatements } from '../parse/split-statements.ts'
import { AGGREGATES, MAIN_JOB, READINGS, session } from '../testing/session.ts'
import { formatSqlError } from './format-sql-error.ts'

const SEEDS = [
  READINGS.replace('sensor_readings', 'r2'),
  AGGREGATES.replace('sensor_aggregates', 'a2'),
  MAIN_JOB,
  `SELECT sensor_id, TUMBLE_START(event_time, INTERVAL '1' MINUTE),
   AVG(temperature) FILTER (WHERE humidity > 5) FROM sensor_readings
   GROUP BY sensor_id, TUMBLE(event_time, INTERVAL '1' MINUTE) HAVING COUNT(*) > 3`,
  `WITH a AS (SELECT id, CASE WHEN n > 1 THEN 'x' ELSE name END AS c FROM events) SELECT c, COUNT(DISTINCT id) FROM a GROUP BY c`,
  `SELECT CAST(n AS DECIMAL(10, 2)), TRIM(BOTH 'x' FROM name),
   SUBSTRING(name FROM 1 FOR 2), ts BETWEEN TIMESTAMP '2026-01-01 00:00:00' AND ts,
   name LIKE 'a!%' ESCAPE '!', n NOT IN (1, 2, NULL), EXTRACT(DAY FROM ts)
   FROM events WHERE ok IS NOT FALSE UNION ALL SELECT 1, 'a', 'b', TRUE, FALSE, NULL, 3`,
  `EXPLAIN SELECT window_start, SUM(price) 
   FROM TABLE(HOP(DATA => TABLE events, TIMECOL => DESCRIPTOR(ts),
     SLIDE => INTERVAL '5' SECOND, SIZE => INTERVAL '10' SECOND))
   GROUP BY window_start, window_end`,
  `EXECUTE STATEMENT SET BEGIN INSERT INTO updates SELECT name, id FROM events; INSERT INTO updates VALUES ('a', 1); END`,
  `CREATE VIEW v2 (x) AS SELECT n FROM events /*+ OPTIONS('scan.parallelism' = '2') */ AS e WHERE e.n % 2 = 0`,
  `SHOW COLUMNS FROM events LIKE '%a'`,
]
const WORDS =
  `( ) , . ; ' \` * + - / % = < > || :: NULL SELECT FROM WHERE GROUP BY window_start COUNT( CASE END INTERVAL '1' DAY AS
  TABLE( TUMBLE( DESCRIPTOR( CAST( AND NOT IN LIKE 1e999 99999999999 1.5 ts proc id name 🙂 --
  /* /*+ */ DISTINCT VALUES UNION ALL`
    .trim()
    .split(/\s+/)

/** A small seeded generator (xorshift). */
function random(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

function mutate(sql: string, next: () => number): string {
  const tokens = sql.split(/(\s+|[(),.;'])/).filter((token) => token !== '')
  const at = () => Math.floor(next() * tokens.length)
  for (let i = 1 + Math.floor(next() * 4); i > 0; i--) {
    const kind = next()
    const word = WORDS[Math.floor(next() * WORDS.length)] as string
    if (kind < 0.25) tokens.splice(at(), 1)
    else if (kind < 0.5) tokens.splice(at(), 0, ` ${word} `)
    else if (kind < 0.7) tokens[at()] = word
    else if (kind < 0.85) {
      const [a, b] = [at(), at()]
      const swapped = tokens[a] as string
      tokens[a] = tokens[b] as string
      tokens[b] = swapped
    } else {
      const a = at()
      tokens.splice(at(), 0, ...tokens.slice(a, a + 5))
    }
  }
  return tokens.join('')
}

test('a mutated statement is run or refused with a clear error, and never crashes', () => {
  const seed = Number(process.env.FUZZ_SEED ?? 20261123)
  const next = random(seed)
  let accepted = 0
  const runs = Number(process.env.FUZZ_RUNS ?? 2500)
  let environment = session()
  for (let i = 0; i < runs; i++) {
    if (i % 500 === 0) environment = session()
    const sql = mutate(SEEDS[Math.floor(next() * SEEDS.length)] as string, next)
    try {
      splitStatements(sql)
      environment.complete(sql, Math.floor(next() * sql.length))
      environment.execute(sql)
      accepted++
    } catch (error) {
      const where = `seed ${seed}, run ${i}: ${sql}`
      assert.ok(isMillraceError(error), `${where}\n${error instanceof Error ? error.stack : error}`)
      assert.notEqual(error.domain, 'internal', where)
      assert.ok(formatSqlError(error, sql).length > 0)
    }
  }
  assert.ok(accepted > 0)
})
