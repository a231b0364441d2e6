/**
 * What a file of routes is given: the parts of the JobManager that REST shows, and the function
 * that mounts a path.
 */
import type { Configuration } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import type { Dispatcher } from '../dispatcher/dispatcher.ts'
import type { SlotPool } from '../slot-pool/slot-pool.ts'
import type { TaskManagerRegistry } from '../taskmanager-registry/task-manager-registry.ts'

/** Who leads may change: dispatcher, registry and slot pool are looked up at each request. */
export interface RestContext {
  readonly configuration: Configuration
  readonly platform: Platform
  readonly dispatcher: Dispatcher
  readonly registry: TaskManagerRegistry
  readonly slotPool: SlotPool
}

/** A route's handler: its answer is sent as JSON; a thrown MillraceError as an error answer. */
export type RouteHandler = (request: {
  readonly parameters: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
}) => unknown

/** Mounts a path of rest-api's table, bare and under `/v1`. */
export type Route = (
  method: 'GET' | 'POST' | 'PATCH' | 'PUT',
  path: string,
  handler: RouteHandler,
  status?: number,
) => void
