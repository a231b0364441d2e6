/**
 * Objects in memory, with clients that can be cut off, answered wrongly or kept waiting.
 * For tests only.
 */
import { MillraceError } from '@millrace/core'
import type { ObjectStore, ObjectStores, StoredObject } from '@millrace/platform'

export class MemoryObjects {
  readonly #objects = new Map<string, StoredObject>()
  #versions = 0

  get(key: string): StoredObject | null {
    return this.#objects.get(key) ?? null
  }

  putIf(key: string, bytes: Uint8Array, expected: string | null): string | null {
    if ((this.get(key)?.version ?? null) !== expected) return null
    const version = `v${++this.#versions}`
    this.#objects.set(key, { bytes: bytes.slice(), version })
    return version
  }

  keys(): string[] {
    return [...this.#objects.keys()].sort()
  }

  remove(key: string): void {
    this.#objects.delete(key)
  }

  json<T>(key: string): T {
    return JSON.parse(new TextDecoder().decode(this.get(key)?.bytes)) as T
  }
}

/**
 * What happens to a write: it never arrives, or it does and reports an error, or it waits
 * for `release`.
 */
export type WriteFault = 'lost' | 'applied' | 'held'

/** One process's way to the objects. */
export class MemoryObjectStore implements ObjectStore, ObjectStores {
  readonly #objects: MemoryObjects
  readonly #held: (() => void)[] = []
  isCut = false
  /** For the next writes of keys that end so, in order. */
  readonly writeFaults: { readonly suffix: string; readonly fault: WriteFault }[] = []

  constructor(objects: MemoryObjects) {
    this.#objects = objects
  }

  open(): ObjectStore {
    return this
  }

  /** Lets held writes arrive. */
  release(): void {
    for (const arrive of this.#held.splice(0)) arrive()
  }

  get isHolding(): boolean {
    return this.#held.length > 0
  }

  #reach(): void {
    if (this.isCut) throw unavailable()
  }

  async get(key: string): Promise<StoredObject | null> {
    this.#reach()
    return this.#objects.get(key)
  }

  async putIf(key: string, bytes: Uint8Array, expected: string | null): Promise<string | null> {
    this.#reach()
    const next = this.writeFaults.findIndex(({ suffix }) => key.endsWith(suffix))
    const [found] = next < 0 ? [] : this.writeFaults.splice(next, 1)
    if (found?.fault === 'held') await new Promise<void>((resolve) => this.#held.push(resolve))
    if (found?.fault === 'lost') throw unavailable()
    const version = this.#objects.putIf(key, bytes, expected)
    if (found?.fault === 'applied') throw unavailable()
    return version
  }

  async list(prefix: string): Promise<string[]> {
    this.#reach()
    return this.#objects.keys().filter((key) => key.startsWith(prefix))
  }

  async remove(key: string): Promise<void> {
    this.#reach()
    this.#objects.remove(key)
  }
}

function unavailable() {
  return new MillraceError(
    'OBJECT_STORE_UNAVAILABLE',
    { domain: 'external', retry: 'backoff' },
    'The store is not reached.',
  )
}
