/**
 * What clients send to the gateway, checked before it gets in: a body that does not fit is
 * REQUEST_INVALID by field.
 *
 * Stands in `gateway-routes`. Unknown fields are left out, `null` is an absent field and a number
 * may stand for its text, as in the reference, some of whose clients know no types.
 */
import type { ExecuteStatementRequest, OpenSessionRequest } from '@millrace/rest-api'
import { gatewayError } from './error-codes.ts'

/** Throws REQUEST_INVALID. */
export function openSessionRequest(body: unknown): OpenSessionRequest {
  const { sessionName, properties } = fieldsOf(body)
  const name = textOf('sessionName', sessionName)
  const texts = textsOf('properties', properties)
  return {
    ...(name === undefined ? {} : { sessionName: name }),
    ...(texts === undefined ? {} : { properties: texts }),
  }
}

/** Throws REQUEST_INVALID. */
export function statementRequest(body: unknown): ExecuteStatementRequest {
  const { statement, executionTimeout, executionConfig } = fieldsOf(body)
  const timeoutMs = wholeOf('executionTimeout', executionTimeout)
  const config = textsOf('executionConfig', executionConfig)
  return {
    statement: textOf('statement', statement) ?? '',
    ...(timeoutMs === undefined ? {} : { executionTimeout: timeoutMs }),
    ...(config === undefined ? {} : { executionConfig: config }),
  }
}

/** The statement and the place of the cursor in it, its end by default. Throws REQUEST_INVALID. */
export function completeRequest(body: unknown): { statement: string; position: number } {
  const fields = fieldsOf(body)
  const statement = textOf('statement', fields.statement)
  if (statement === undefined) throw invalid("Give the 'statement' to complete", body)
  return { statement, position: wholeOf('position', fields.position) ?? statement.length }
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(body: unknown): Fields {
  if (body === null || body === undefined) return {}
  if (typeof body === 'object' && !Array.isArray(body)) return body as Fields
  throw invalid('Send an object as the body', body)
}

function textOf(field: string, value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw invalid(`Give '${field}' as a text`, value)
}

function textsOf(field: string, value: unknown): Record<string, string> | undefined {
  if (value === null || value === undefined) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(`Give '${field}' as an object of texts`, value)
  }
  const texts: Record<string, string> = {}
  for (const [key, each] of Object.entries(value)) {
    const text = textOf(`${field}.${key}`, each)
    if (text !== undefined) texts[key] = text
  }
  return texts
}

function wholeOf(field: string, value: unknown): number | undefined {
  if (value === null || value === undefined) return undefined
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (Number.isSafeInteger(number) && (number as number) >= 0) return number as number
  throw invalid(`Give '${field}' as a whole number of 0 or more`, value)
}

const SHOWN_CHARACTERS = 100

function invalid(expected: string, found: unknown) {
  const text = JSON.stringify(found)
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
  return gatewayError('REQUEST_INVALID', `${expected}; it is ${shown}.`)
}
