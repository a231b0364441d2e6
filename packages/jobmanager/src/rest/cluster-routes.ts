/** Routes about the cluster: overview, features, Prometheus metrics. */
import { isTimeZone, zoneOffsetMs } from '@millrace/core'
import { type ConfigAnswer, type OverviewAnswer, REST_PATHS } from '@millrace/rest-api'
import type { FastifyInstance } from 'fastify'
import { RestOptions } from '../jobmanager-options.ts'
import { prometheusText } from './prometheus-text.ts'
import type { RestContext, Route } from './route.ts'

const VERSION = '0.1.0'
const REVISION = 'millrace'
/**
 * The planner's option: what its results are shown in, its cluster is shown in too,
 * wherever it runs.
 */
const TIME_ZONE_KEY = 'table.local-time-zone'

export function mountClusterRoutes(
  server: FastifyInstance,
  route: Route,
  context: RestContext,
): void {
  const { configuration, platform } = context
  route('GET', REST_PATHS.overview, () => overview(context))
  route('GET', REST_PATHS.config, (): ConfigAnswer => {
    const set = configuration.getRaw(TIME_ZONE_KEY) ?? 'UTC'
    const zone = isTimeZone(set) ? set : 'UTC'
    return {
      'refresh-interval': configuration.get(RestOptions.refreshInterval),
      'timezone-name': zone === 'UTC' ? 'Coordinated Universal Time' : zone,
      'timezone-offset': zoneOffsetMs(platform.clock.nowMs(), zone),
      'flink-version': VERSION,
      'flink-revision': REVISION,
      features: {
        'web-submit': configuration.get(RestOptions.submitEnabled),
        'web-cancel': configuration.get(RestOptions.cancelEnabled),
        'web-rescale': false,
        'web-history': false,
      },
    }
  })
  server.get('/metrics', async (_request, reply) => {
    const { text, contentType } = await prometheusText(context)
    return reply.header('content-type', contentType).send(text)
  })
}

function overview({ registry, slotPool, dispatcher }: RestContext): OverviewAnswer {
  const { total, free } = slotPool.counts()
  const jobs = dispatcher.all().map(({ state }) => state)
  const count = (state: string) => jobs.filter((other) => other === state).length
  const ended = count('FINISHED') + count('CANCELED') + count('FAILED')
  return {
    taskmanagers: registry.all().length,
    'slots-total': total,
    'slots-available': free,
    'jobs-running': jobs.length - ended,
    'jobs-finished': count('FINISHED'),
    'jobs-cancelled': count('CANCELED'),
    'jobs-failed': count('FAILED'),
    'flink-version': VERSION,
    'flink-commit': REVISION,
  }
}
