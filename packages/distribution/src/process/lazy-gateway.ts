/**
 * A SQL gateway that is made at its first session: a JobManager that nobody sends SQL to never
 * loads the planner.
 */
import type { SqlGateway } from '@millrace/rest-api'

export function lazyGateway(make: () => Promise<SqlGateway>): SqlGateway {
  let made: Promise<SqlGateway> | null = null
  const get = () => {
    made ??= make()
    return made
  }
  return {
    openSession: async (request) => (await get()).openSession(request),
    closeSession: async (session) => (await get()).closeSession(session),
    sessionConfig: async (session) => (await get()).sessionConfig(session),
    execute: async (session, request) => (await get()).execute(session, request),
    status: async (session, operation) => (await get()).status(session, operation),
    fetchResults: async (session, operation, token, waitMs, rowFormat) =>
      (await get()).fetchResults(session, operation, token, waitMs, rowFormat),
    configure: async (session, request) => (await get()).configure(session, request),
    cancel: async (session, operation) => (await get()).cancel(session, operation),
    closeOperation: async (session, operation) => (await get()).closeOperation(session, operation),
    complete: async (session, statement, position) =>
      (await get()).complete(session, statement, position),
  }
}
