/**
 * An object store whose every call ends in time.
 *
 * A call that has not answered by then rejects with OBJECT_STORE_UNAVAILABLE: what a write did is
 * as unknown as after any other rejection, and it may still take effect later.
 */
import { platformError } from './error-codes.ts'
import type { ObjectStore } from './object-store.ts'
import type { Clock } from './platform.ts'

export function withDeadline(store: ObjectStore, clock: Clock, deadlineMs: number): ObjectStore {
  const bounded = <T>(what: string, call: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const cancel = clock.setTimer(deadlineMs, () =>
        reject(
          platformError(
            'OBJECT_STORE_UNAVAILABLE',
            `Cannot ${what}: no answer within ${deadlineMs} ms.`,
          ),
        ),
      )
      call.then(resolve, reject).finally(cancel)
    })
  return {
    get: (key) => bounded(`read '${key}'`, store.get(key)),
    putIf: (key, bytes, expected) => bounded(`write '${key}'`, store.putIf(key, bytes, expected)),
    list: (prefix) => bounded(`list '${prefix}'`, store.list(prefix)),
    remove: (key) => bounded(`remove '${key}'`, store.remove(key)),
  }
}
