/**
 * What routes of operations that take their time have in common: the fields of a trigger, its id,
 * the answer that says how far it is.
 */
import { hexId } from '@millrace/core'
import { type AsyncOperationAnswer, failureCause } from '@millrace/rest-api'
import { jobManagerError } from '../error-codes.ts'
import type { OperationState } from './async-operations.ts'
import type { RestContext } from './route.ts'

/** `operation`: what is shown of one that went well. */
export function answerOf(
  state: OperationState,
  operation: (result: unknown) => NonNullable<AsyncOperationAnswer['operation']>,
): AsyncOperationAnswer {
  if (state.status === 'IN_PROGRESS') return { status: { id: 'IN_PROGRESS' }, operation: null }
  const shown =
    'error' in state ? { 'failure-cause': failureCause(state.error) } : operation(state.result)
  return { status: { id: 'COMPLETED' }, operation: shown }
}

/** Throws REST_REQUEST_INVALID. */
export function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  if (body === undefined || body === null) return {}
  if (typeof body === 'object' && !Array.isArray(body)) return body as Record<string, unknown>
  throw invalidRequest('Send a body that is a JSON object')
}

/** Given by the client, or drawn. Throws REST_REQUEST_INVALID. */
export function triggerIdOf(value: unknown, { platform }: RestContext): string {
  if (value === undefined || value === null) return hexId(platform.random.bytes(16))
  if (typeof value === 'string' && /^[0-9a-f]{32}$/i.test(value)) return value.toLowerCase()
  throw invalidRequest(`Give a trigger id of 32 hexadecimal digits; it is ${JSON.stringify(value)}`)
}

export function invalidRequest(expected: string) {
  return jobManagerError('REST_REQUEST_INVALID', `${expected}.`)
}
