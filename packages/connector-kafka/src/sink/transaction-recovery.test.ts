/**
 * Which transactions are aborted on a broker that does not list them: found by trying ids one
 * after another.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { KafkaClient } from '../client/kafka-client.ts'
import { abortStrays } from './transaction-recovery.ts'
import { transactionalIdOf } from './transactional-id.ts'

/**
 * A broker that knows some ids; initializing one aborts its transaction. Returns the ids that
 * were initialized.
 */
async function probe(known: readonly string[], restoredCheckpointId: number): Promise<string[]> {
  const epochs = new Map(known.map((id) => [id, 0]))
  const initialized: string[] = []
  const client = {
    listTransactions: async () => null,
    initProducerId: async (id: string) => {
      initialized.push(id)
      const epoch = (epochs.get(id) ?? -1) + 1
      epochs.set(id, epoch)
      return { producerId: 1n, epoch }
    },
  } as unknown as KafkaClient
  const owner = { job: '0000000a', sink: '000b', leaderEpoch: 1, attempt: 0 }
  const facts = {
    prefixes: ['p'],
    claimedPrefix: null,
    lineage: new Set(['0000000a']),
    subtask: 0,
    parallelism: 1,
    owner,
  }
  const restored = { checkpointId: restoredCheckpointId, precommitted: new Set<string>() }
  assert.equal(await abortStrays(client, facts, restored, 1000), false)
  return initialized
}

test('Transactions are found beyond ids that no checkpoint ever used', async () => {
  const used = [4, 6, 11].map((checkpointId) => transactionalIdOf('p', 0, checkpointId, null))
  const tried = await probe(used, 3)
  for (const id of used) assert.ok(tried.includes(id), `${id} is aborted`)
})

test('Ids of the restored checkpoint and before are left alone, and the search ends', async () => {
  const used = [1, 2, 3].map((checkpointId) => transactionalIdOf('p', 0, checkpointId, null))
  const tried = await probe(used, 3)
  assert.deepEqual(
    tried,
    Array.from({ length: 8 }, (_, i) => transactionalIdOf('p', 0, 4 + i, null)),
  )
})

test('Subtasks that are no more after a scale-down are looked after', async () => {
  const used = [0, 1, 2].map((subtask) => transactionalIdOf('p', subtask, 5, null))
  const tried = await probe(used, 3)
  for (const id of used) assert.ok(tried.includes(id), `${id} is aborted`)
})
