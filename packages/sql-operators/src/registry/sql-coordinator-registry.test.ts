/**
 * Coordinators are made of configurations that are whole; others are refused by operator and field.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { CoordinatorContext } from '@millrace/connector'
import { isMillraceError } from '@millrace/core'
import { SQL_COORDINATORS } from '../operator-config.ts'
import { createSqlCoordinatorRegistry } from './sql-coordinator-registry.ts'

const registry = createSqlCoordinatorRegistry({ connectors: new Map() })
const context = { operatorName: 'TableSource[1]' } as CoordinatorContext

it('a coordinator is refused a malformed configuration by operator and field', () => {
  const malformed: [string, unknown, string][] = [
    [SQL_COORDINATORS.source, { connector: 1, tableName: 't', config: null }, "'connector'"],
    [SQL_COORDINATORS.source, { connector: 'kafka', config: null }, "'tableName'"],
    [SQL_COORDINATORS.collect, { bufferRowsMax: '7' }, "'bufferRowsMax'"],
    [SQL_COORDINATORS.collect, { clientTimeoutMs: null }, "'clientTimeoutMs'"],
    [SQL_COORDINATORS.collect, null, 'the configuration'],
  ]
  for (const [name, config, place] of malformed) {
    assert.throws(
      () => registry.get(name)!(config, context),
      (error) =>
        isMillraceError(error) &&
        error.code === 'OPERATOR_CONFIG_INVALID' &&
        error.message.includes(`${place} of operator 'TableSource[1]' should be`),
    )
  }
})
