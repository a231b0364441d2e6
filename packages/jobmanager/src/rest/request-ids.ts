/**
 * Ids in a path: what is no id at all is not looked up (400, as from the reference); an unknown one
 * is 404.
 */
import { nearestName } from '@millrace/core'
import { REST_PATHS } from '@millrace/rest-api'
import { jobManagerError } from '../error-codes.ts'
import { invalidRequest } from './operation-requests.ts'

type Parameters = Readonly<Record<string, string | undefined>>

const HEX = /^[0-9a-f]{32}$/i
const NUMBER = /^\d{1,9}$/
/** Parameter → what it is, for people. */
const HEX_IDS = { applicationid: 'an application', datasetid: 'a data set' }
const NUMBERS = {
  subtaskindex: 'the index of a subtask',
  attempt: 'the number of an attempt',
  checkpointid: 'the id of a checkpoint',
}

/** Throws REST_REQUEST_INVALID. Vertices are looked up first: a graph names them as it likes. */
export function requireReadableIds(parameters: Parameters): void {
  requireJobId(parameters.jobid)
  for (const [name, what] of Object.entries(HEX_IDS)) {
    const given = parameters[name]
    if (given === undefined || HEX.test(given)) continue
    throw invalidRequest(`Give the id of ${what}, 32 hexadecimal digits; it is '${given}'`)
  }
  for (const [name, what] of Object.entries(NUMBERS)) {
    const given = parameters[name]
    if (given === undefined || NUMBER.test(given)) continue
    throw invalidRequest(`Give ${what}, a whole number from 0 on; it is '${given}'`)
  }
}

/** Of a vertex that is not there. Throws REST_REQUEST_INVALID. */
export function requireReadableVertexId(given: string | undefined): void {
  if (given !== undefined && HEX.test(given)) return
  throw invalidRequest(`Give the id of a vertex, 32 hexadecimal digits; it is '${given}'`)
}

function requireJobId(given: string | undefined): void {
  if (given === undefined || HEX.test(given)) return
  const below = Object.values(REST_PATHS).filter((path) => path.startsWith(`${REST_PATHS.jobs}/`))
  const nearest = nearestName(`${REST_PATHS.jobs}/${given}`, below)
  const hint = `Did you mean ${nearest}?`
  throw jobManagerError(
    'REST_REQUEST_INVALID',
    `Give the id of a job, 32 hexadecimal digits; it is '${given}'.`,
    { hint: nearest === undefined ? 'List the jobs with: npx millrace list.' : hint },
  )
}
