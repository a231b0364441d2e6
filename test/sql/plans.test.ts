/**
 * Golden plans: `plans/NAME.sql` is a statement, after the SETs and CREATEs it needs;
 * `plans/NAME.txt` is what EXPLAIN prints for it, over the tables of the planner's own tests.
 *
 * A change of the optimizer shows here as a change of text, to be read and then taken over with
 * UPDATE_PLANS=1.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { RowsResult } from '../../packages/sql/src/environment/statement-result.ts'
import { session } from '../../packages/sql/src/testing/session.ts'

const DIRECTORY = join(import.meta.dirname, 'plans')
const UPDATE = process.env.UPDATE_PLANS === '1'

function explained(script: string): string {
  const environment = session()
  const statements = environment.splitStatements(script).map(({ text }) => text)
  const last = statements.pop() as string
  for (const statement of statements) environment.execute(statement)
  const explain = /^EXPLAIN\b/i.test(last) ? last : `EXPLAIN ${last}`
  return (environment.execute(explain) as RowsResult).rows.map(([text]) => `${text}`).join('\n')
}

describe('plans', () => {
  const names = readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))

  for (const name of names) {
    it(`are as recorded: ${name.replaceAll('-', ' ')}`, () => {
      const plan = explained(readFileSync(join(DIRECTORY, `${name}.sql`), 'utf8'))
      const recorded = join(DIRECTORY, `${name}.txt`)
      if (UPDATE) writeFileSync(recorded, plan)
      assert.equal(plan, readFileSync(recorded, 'utf8'))
    })
  }

  it('are recorded for queries that are there', () => {
    const recorded = readdirSync(DIRECTORY).filter((file) => file.endsWith('.txt'))
    const orphans = recorded.filter(
      (file) => !existsSync(join(DIRECTORY, file.replace(/txt$/, 'sql'))),
    )
    assert.deepEqual([names.length > 0, orphans], [true, []])
  })
})
