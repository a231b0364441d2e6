/**
 * What a file of routes is given: the parts of the JobManager that REST shows, and the function
 * that mounts a path.
 */
import type { Configuration } from '@millrace/core'
import type { Platform, ProcessInspection } from '@millrace/platform'
import type { Fence } from '@millrace/protocol'
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
  /** As the leader that calls TaskManagers. */
  readonly fence: Fence
  /** Null: nobody knows the process (simulation). */
  readonly inspection: ProcessInspection | null
  /** Where this server is, as a URL. */
  readonly restUrl: string
}

/** A route's handler: its answer is sent as JSON; a thrown MillraceError as an error answer. */
export type RouteHandler = (request: {
  readonly parameters: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
}) => unknown

/** How a route answers. */
export interface RouteAnswer {
  /** Of an answer that is no error; 200. */
  readonly status?: number
  /**
   * What is wrong is answered as a failure inside the server, 500 with two texts: where the
   * reference does not look before it asks, and its clients expect that.
   */
  readonly failsInside?: boolean
  /** Content type of an answer that is a text; JSON without. */
  readonly type?: string
}

/** Mounts a path of rest-api's table, bare and under `/v1`. */
export type Route = (
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
  path: string,
  handler: RouteHandler,
  answer?: RouteAnswer,
) => void
