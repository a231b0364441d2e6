/** `millrace jobmanager`: the JobManager with REST and, on the same port, the SQL gateway. */
import { parseArguments, requireOperands } from '@millrace/cli'
import { JobManager, RestOptions } from '@millrace/jobmanager'
import { keepCompiledCode, nodeProcessInspection, onStopSignal } from '@millrace/platform/node'
import { RestClient } from '@millrace/rest-api'
import { registerGatewayRoutes } from '@millrace/sql-gateway/routes'
import { createSqlCoordinatorRegistry } from '@millrace/sql-operators/coordinators'
import { JOBMANAGER } from '../commands/declared-commands.ts'
import { connectors } from '../registry/connectors.ts'
import { checkConfiguration } from './check-configuration.ts'
import { lazyGateway } from './lazy-gateway.ts'
import { loadConfiguration } from './load-configuration.ts'
import { onParentGone } from './parent-process.ts'
import { clusterFetch } from './patient-fetch.ts'
import { processPlatform } from './process-platform.ts'

/** A request that a standby sends on; longer than any answer takes. */
const FORWARD_TIMEOUT_MS = 60_000

export async function runJobManager(args: readonly string[]): Promise<undefined> {
  const { properties, positionals } = parseArguments(args, JOBMANAGER.options)
  requireOperands(positionals, 0, 'Configuration goes after -D: -D rest.port=8082')
  const { configuration, s3, warnings } = loadConfiguration(properties)
  checkConfiguration(configuration)
  const platform = processPlatform(s3, { logger: { fields: { process: 'jobmanager' } } })
  for (const warning of warnings) platform.logger.warn(warning)
  let restAddress = ''
  const jobManager = new JobManager({
    platform,
    configuration,
    inspection: nodeProcessInspection(configuration.get(RestOptions.logPath)),
    coordinators: createSqlCoordinatorRegistry({ connectors }),
    fitToStored: async (jobGraph, stored) => {
      const { beginAggregates } = await import('@millrace/sql')
      return beginAggregates(jobGraph, stored)
    },
    forward: async (url, init) => {
      const response = await fetch(url, {
        ...init,
        signal: AbortSignal.timeout(FORWARD_TIMEOUT_MS),
      })
      const contentType = response.headers.get('content-type') ?? 'application/json'
      return { status: response.status, contentType, text: await response.text() }
    },
    routes: (server) =>
      registerGatewayRoutes(
        server,
        lazyGateway(async () => {
          const { embeddedGateway } = await import('../gateway/embedded-gateway.ts')
          const rest = new RestClient(`http://${restAddress}`, clusterFetch)
          return embeddedGateway(platform, configuration, rest)
        }),
      ),
  })
  const addresses = await jobManager.start()
  restAddress = addresses.restAddress
  process.send?.(addresses)
  keepCompiledCode()
  const stop = () => {
    void jobManager.stop().then(() => process.exit(0))
  }
  onStopSignal(stop)
  onParentGone(stop)
  return undefined
}
