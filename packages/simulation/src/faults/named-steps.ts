/**
 * Names the steps of a process's broker client and object store, so that faults can be
 * planned for them.
 */
import type { KafkaClient } from '@millrace/connector-kafka'
import type { ObjectStore, ObjectStores } from '@millrace/platform'
import type { SimulatedProcess } from '../world/simulated-process.ts'

/** Each call of these is a step before it and, once it has succeeded, another after it. */
const KAFKA_STEPS = [
  'fetch',
  'produce',
  'initProducerId',
  'addPartitionsToTxn',
  'endTxn',
  'listTransactions',
  'commitOffsets',
] as const

export function withKafkaSteps(client: KafkaClient, process: SimulatedProcess): KafkaClient {
  for (const name of KAFKA_STEPS) {
    const call = (client[name] as (...args: unknown[]) => Promise<unknown>).bind(client)
    Object.assign(client, {
      [name]: (...args: unknown[]) => stepped(`kafka ${name}`, process, () => call(...args)),
    })
  }
  return client
}

export function withStoreSteps(stores: ObjectStores, process: SimulatedProcess): ObjectStores {
  return {
    open: (location) => {
      const store = stores.open(location)
      const named: ObjectStore = {
        get: (key) => stepped('store get', process, () => store.get(key)),
        putIf: (key, bytes, expected) =>
          stepped('store putIf', process, () => store.putIf(key, bytes, expected)),
        list: (prefix) => store.list(prefix),
        remove: (key) => stepped('store remove', process, () => store.remove(key)),
      }
      return named
    },
  }
}

async function stepped<T>(
  step: string,
  process: SimulatedProcess,
  call: () => Promise<T>,
): Promise<T> {
  process.world.reach(step, process)
  const result = await call()
  process.world.reach(`${step} done`, process)
  return result
}
