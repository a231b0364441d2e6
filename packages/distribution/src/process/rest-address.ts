/** Where the cluster's REST interface is, for client commands. */
import type { Configuration } from '@millrace/core'
import { RestOptions } from '@millrace/jobmanager/options'
import { RestClient } from '@millrace/rest-api'
import { clusterFetch } from './patient-fetch.ts'

export function restClientOf(configuration: Configuration): RestClient {
  const host = configuration.get(RestOptions.address) ?? '127.0.0.1'
  return new RestClient(`http://${host}:${configuration.get(RestOptions.port)}`, clusterFetch)
}
