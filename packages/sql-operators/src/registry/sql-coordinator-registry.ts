/**
 * The coordinators of SQL operators by factory name: what `distribution` puts into the JobManager's
 * CoordinatorRegistry.
 */
import type { ConnectorRegistry, CoordinatorFactory } from '@millrace/connector'
import { configParser } from '@millrace/core'
import { COLLECT_COORDINATOR, SOURCE_COORDINATOR } from '../config-shapes.ts'
import { SQL_COORDINATORS } from '../operator-config.ts'
import { CollectCoordinator } from '../sink/collect-coordinator.ts'
import { SourceCoordinator } from '../source/source-coordinator.ts'

/** Factory name (`SQL_COORDINATORS`) → factory. */
export function createSqlCoordinatorRegistry(parts: {
  readonly connectors: ConnectorRegistry
}): Map<string, CoordinatorFactory> {
  const parseSource = configParser(SOURCE_COORDINATOR)
  const parseCollect = configParser(COLLECT_COORDINATOR)
  return new Map<string, CoordinatorFactory>([
    [
      SQL_COORDINATORS.source,
      (config, context) =>
        new SourceCoordinator(parseSource(config, context.operatorName), context, parts.connectors),
    ],
    [
      SQL_COORDINATORS.collect,
      (config, context) =>
        new CollectCoordinator(parseCollect(config, context.operatorName), context),
    ],
  ])
}
