/**
 * What a cancelled job leaves behind, after all that was done to it: no checkpoint file, no
 * open transaction.
 *
 * Both are asked of others than the product: the directory itself, and Kafka's own tool.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type KafkaBroker, runJava } from '../kafka-broker/broker.ts'

const TIMEOUT_MS = 60_000
const POLL_MS = 500
const OPEN_STATES = ['Ongoing', 'PrepareCommit', 'PrepareAbort', 'PrepareEpochFence']

/** Files of the job's checkpoints that are still there. */
function checkpointFiles(directory: string, jobId: string): string[] {
  const root = join(directory, jobId)
  return existsSync(root) ? readdirSync(root, { recursive: true }).map(String) : []
}

async function openTransactions(broker: KafkaBroker, directory: string): Promise<string[]> {
  const text = await runJava(broker.jars as string, directory, '128m', [
    'org.apache.kafka.tools.TransactionsCommand',
    ...['--bootstrap-server', broker.bootstrapServers, 'list'],
  ])
  if (!text.includes('TransactionalId')) throw new Error(`Kafka lists no transactions: ${text}`)
  return text.split('\n').filter((line) => OPEN_STATES.some((state) => line.includes(state)))
}

/** Waits a while for both to be gone; what is left, in words. */
export async function leftoversOf(
  jobId: string,
  checkpoints: string,
  broker: KafkaBroker,
  brokerDirectory: string,
): Promise<string[]> {
  const deadline = Date.now() + TIMEOUT_MS
  for (;;) {
    const files = checkpointFiles(checkpoints, jobId)
    const open = files.length > 0 ? [] : await openTransactions(broker, brokerDirectory)
    if (files.length + open.length === 0 || Date.now() > deadline) {
      return [
        ...files.map((file) => `checkpoint file ${join(jobId, file)}`),
        ...open.map((line) => `open transaction ${line.replace(/\s+/g, ' ')}`),
      ]
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
