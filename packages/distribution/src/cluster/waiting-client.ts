/**
 * What commands have that ask a cluster for something and wait for it: its REST client, ids for
 * what they ask, a line of progress while they wait.
 */
import { cliError, ProgressLine } from '@millrace/cli'
import { hexId } from '@millrace/core'
import { createNodePlatform } from '@millrace/platform/node'
import type { RestClient } from '@millrace/rest-api'
import { type AwaitedOperation, awaitOperation } from '../gateway/await-operation.ts'
import { clientConfiguration } from '../process/client-configuration.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { restClientOf } from '../process/rest-address.ts'
import { CLIENT_OPTIONS } from '../registry/client-options.ts'

export interface WaitingClient {
  readonly rest: RestClient
  monotonicMs(): number
  /** Names an operation, so that a request whose answer was lost is not carried out twice. */
  triggerId(): string
  /** Rejects with what the operation failed with, OPERATION_STALLED, OPERATION_LOST. */
  wait<T>(operation: AwaitedOperation<T>): Promise<T>
}

/** `properties`: those of the command line. */
export function waitingClient(properties: Readonly<Record<string, string>>): WaitingClient {
  const { configuration } = clientConfiguration(properties)
  const { clock, random } = createNodePlatform({ logger: { level: 'off' } })
  const timeoutMs = configuration.get(CLIENT_OPTIONS.timeout)
  return {
    rest: restClientOf(configuration),
    monotonicMs: () => clock.monotonicMs(),
    triggerId: () => hexId(random.bytes(16)),
    async wait(operation) {
      const progress = new ProgressLine(nodeTerminal, clock)
      const report = (text: string) => progress.update(text)
      try {
        return await awaitOperation(operation, { clock, timeoutMs, report })
      } finally {
        progress.clear()
      }
    },
  }
}

/** Throws ARGUMENT_INVALID. */
export function requireJob(jobId: string | undefined, usage: string): string {
  if (jobId !== undefined) return jobId
  throw cliError('ARGUMENT_INVALID', `Give the id of the job: ${usage}.`, {
    hint: 'millrace list shows the ids.',
  })
}
