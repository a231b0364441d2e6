/**
 * What factories say of the golden plans' operators, against the operators themselves: the tables
 * of keyed state that one makes are those of its factory's `states()`, and a configuration that is
 * not whole is refused by name.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TableConnector } from '../../packages/connector/src/index.ts'
import {
  isMillraceError,
  type StateTableSpec,
  storedSchemaOf,
} from '../../packages/core/src/index.ts'
import type { OperatorDescriptor } from '../../packages/graph/src/index.ts'
import type { Platform } from '../../packages/platform/src/index.ts'
import type { SubmitResult } from '../../packages/sql/src/environment/statement-result.ts'
import { CONNECTORS, session } from '../../packages/sql/src/testing/session.ts'
import { SQL_OPERATORS } from '../../packages/sql-operators/src/operator-config.ts'
import { createSqlOperatorRegistry } from '../../packages/sql-operators/src/registry/sql-operator-registry.ts'
import { OperatorHarness } from '../../packages/sql-operators/src/testing/operator-harness.ts'

const DIRECTORY = join(import.meta.dirname, 'plans')

/** Neither reads nor writes: operators are made, not run. */
const connectors = new Map(
  CONNECTORS.map((connector): [string, TableConnector] => [
    connector.name,
    {
      ...connector,
      ...(connector.source && {
        source: { ...connector.source, createReader: () => ({}) as never },
      }),
      ...(connector.sink && { sink: { ...connector.sink, createWriter: () => ({}) as never } }),
    },
  ]),
)
const registry = createSqlOperatorRegistry({
  connectors,
  formats: new Map(),
  platform: { clock: { monotonicMs: () => 0 } } as unknown as Platform,
})

/** The operators of a recorded statement, as a stored job graph has them. */
function operatorsOf(script: string): OperatorDescriptor[] {
  const environment = session()
  const statements = environment.splitStatements(script).map(({ text }) => text)
  const last = (statements.pop() as string).replace(/^EXPLAIN(\s+CHANGELOG_MODE)?\s+/i, '')
  for (const statement of statements) environment.execute(statement)
  const run = /^STATEMENT SET/i.test(last) ? `EXECUTE ${last}` : last
  const { jobGraph } = environment.execute(run) as SubmitResult
  const { vertices } = JSON.parse(JSON.stringify(jobGraph)) as SubmitResult['jobGraph']
  return vertices.flatMap(({ operators }) => operators)
}

const plans = new Map(
  readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => [file.slice(0, -4), operatorsOf(readFileSync(join(DIRECTORY, file), 'utf8'))]),
)
const factoryOf = ({ factory }: OperatorDescriptor) => registry.get(factory)!
const harnessOf = (operator: OperatorDescriptor, config: unknown) =>
  new OperatorHarness({
    factory: factoryOf(operator).create,
    config,
    outputSchema: operator.outputSchema,
  })

const stored = (specs: readonly StateTableSpec[]) =>
  specs.map((spec) => ({ name: spec.name, schema: storedSchemaOf(spec) }))

describe('the states of a factory', () => {
  for (const [name, operators] of plans) {
    it(`are the tables that its operators make: ${name.replaceAll('-', ' ')}`, () => {
      for (const operator of operators) {
        const made = harnessOf(operator, operator.config).state.freeze(1, null)
        assert.deepEqual(
          made.map(({ name, schema }) => ({ name, schema })),
          stored(factoryOf(operator).states(operator.config, operator.name)),
          operator.name,
        )
      }
    })
  }

  it('are seen over most factories, and over aggregates with tables of values', () => {
    const all = [...plans.values()].flat()
    const seen = new Set(all.map(({ factory }) => factory))
    const missing = Object.values(SQL_OPERATORS).filter((name) => !seen.has(name))
    assert.deepEqual(missing, ['watermark-assigner'])
    const names = all.flatMap((each) =>
      factoryOf(each)
        .states(each.config, '')
        .map((s) => s.name),
    )
    assert.deepEqual([...new Set(names)].sort(), ['groups', 'values of DISTINCT id'])
  })
})

describe('the configuration of an operator', () => {
  it('is refused by name when a field is missing or unknown', () => {
    for (const operator of [...plans.values()].flat()) {
      const config = operator.config as Record<string, unknown>
      for (const field of Object.keys(config)) {
        if (field === 'twoPhase' || field === 'config') continue
        const { [field]: _, ...rest } = config
        assertRefused(operator, rest, field)
      }
      assertRefused(operator, { ...config, later: 1 }, 'later')
    }
  })
})

function assertRefused(operator: OperatorDescriptor, config: unknown, field: string): void {
  assert.throws(
    () => harnessOf(operator, config),
    (error) =>
      isMillraceError(error) &&
      error.code === 'OPERATOR_CONFIG_INVALID' &&
      error.message.includes(`'${field}'`) &&
      error.message.includes(`'operator'`),
    `${operator.name} without ${field}`,
  )
}
