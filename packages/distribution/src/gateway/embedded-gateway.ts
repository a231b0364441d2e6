/** The SQL gateway inside a client process: planner here, jobs on the cluster behind `rest`. */
import { type Configuration, hexId } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import type { RestClient } from '@millrace/rest-api'
import { TableEnvironment } from '@millrace/sql'
import { GatewayService } from '@millrace/sql-gateway'
import { CLIENT_OPTIONS } from '../registry/client-options.ts'
import { connectors, formats } from '../registry/connectors.ts'
import { knownConfigOptions } from '../registry/known-config-keys.ts'
import { restClusterClient } from './rest-cluster-client.ts'

export function embeddedGateway(
  platform: Platform,
  configuration: Configuration,
  rest: RestClient,
): GatewayService {
  return new GatewayService({
    platform,
    configuration,
    cluster: restClusterClient(rest, {
      clock: platform.clock,
      timeoutMs: configuration.get(CLIENT_OPTIONS.timeout),
    }),
    createEnvironment: (properties) =>
      new TableEnvironment({
        connectors,
        formats,
        configuration: configuration.withOverrides(properties),
        random: () => hexId(platform.random.bytes(16)),
        knownOptions: knownConfigOptions(),
      }),
  })
}
