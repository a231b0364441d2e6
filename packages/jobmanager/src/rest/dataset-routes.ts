/**
 * Routes about data sets that jobs of the reference's batch mode leave in a cluster: none is ever
 * left here.
 */
import { hexId } from '@millrace/core'
import { REST_PATHS } from '@millrace/rest-api'
import { jobManagerError } from '../error-codes.ts'
import type { RestContext, Route } from './route.ts'

export function mountDatasetRoutes(route: Route, { platform }: RestContext): void {
  route('GET', REST_PATHS.datasets, () => ({ dataSets: [] }))
  // Removing what is not there is done at once, and nothing is remembered of it.
  route('DELETE', REST_PATHS.dataset, () => ({ 'request-id': hexId(platform.random.bytes(16)) }), {
    status: 202,
  })
  route('GET', REST_PATHS.datasetDeletion, ({ parameters }) => {
    throw jobManagerError(
      'OPERATION_UNKNOWN',
      `There is no removal of a data set with triggerId=${parameters.triggerid}.`,
    )
  })
}
