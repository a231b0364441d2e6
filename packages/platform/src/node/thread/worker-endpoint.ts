/**
 * A thread's side of its `ThreadHandle`: the data it was started with and the messages to and from
 * its parent.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { MessageEndpoint } from '../../platform.ts'

export interface WorkerEndpoint extends MessageEndpoint {
  /** What `spawn` was given. */
  readonly data: unknown
}

/**
 * Only inside a thread. Messages wait until `onMessage`; while it is set the thread stays alive.
 */
export function workerEndpoint(): WorkerEndpoint {
  const port = parentPort
  if (port === null) throw new Error('Call workerEndpoint inside a worker thread.')
  return {
    data: workerData,
    post: (message, transfer) => port.postMessage(message, (transfer ?? []) as ArrayBuffer[]),
    onMessage: (handler) => void port.on('message', handler),
  }
}
