/**
 * Finds the runtime half of a connector by name, in a slot or in the JobManager, or says what is
 * missing there.
 */
import type { ConnectorRegistry, TableConnector } from '@millrace/connector'
import { nearestName } from '@millrace/core'
import { sqlOperatorError } from '../error-codes.ts'

/**
 * Throws CONNECTOR_NOT_LOADED when there is no such connector, or when it has no source or no sink.
 */
export function findConnector<Side extends 'source' | 'sink'>(
  connectors: ConnectorRegistry,
  name: string,
  side: Side,
  tableName: string,
): NonNullable<TableConnector[Side]> {
  const connector = connectors.get(name)
  if (connector === undefined) {
    const nearest = nearestName(name, connectors.keys())
    throw sqlOperatorError(
      'CONNECTOR_NOT_LOADED',
      `Load the connector of table ${tableName} in every process; '${name}' is not known here.`,
      {
        hint:
          nearest === undefined
            ? `Known here: ${[...connectors.keys()].join(', ')}.`
            : `Did you mean '${nearest}'?`,
      },
    )
  }
  const part = connector[side]
  if (part === undefined) {
    const verb = side === 'source' ? 'read from' : 'written to'
    throw sqlOperatorError(
      'CONNECTOR_NOT_LOADED',
      `Use another connector for table ${tableName}; '${name}' cannot be ${verb}.`,
    )
  }
  return part as NonNullable<TableConnector[Side]>
}
