/**
 * The coordinators of SQL operators by factory name: what `distribution` puts into the JobManager's
 * CoordinatorRegistry.
 */
import type { ConnectorRegistry, CoordinatorFactory } from '@millrace/connector'
import { SQL_COORDINATORS } from '../operator-config.ts'
import { CollectCoordinator } from '../sink/collect-coordinator.ts'
import { SourceCoordinator } from '../source/source-coordinator.ts'

/** Factory name (`SQL_COORDINATORS`) → factory. */
export function createSqlCoordinatorRegistry(parts: {
  readonly connectors: ConnectorRegistry
}): Map<string, CoordinatorFactory> {
  return new Map<string, CoordinatorFactory>([
    [
      SQL_COORDINATORS.source,
      (config, context) => new SourceCoordinator(config as never, context, parts.connectors),
    ],
    [
      SQL_COORDINATORS.collect,
      (config, context) => new CollectCoordinator(config as never, context),
    ],
  ])
}
