/**
 * The objects of a simulated store: immediate, strongly consistent, with versions that
 * never come back.
 *
 * A listing may lag behind writes where the store is told to; never for a key whose object, or
 * absence, a `get` has shown since.
 */
import type { StoredObject } from '@millrace/platform'

interface Entry {
  /** Null: removed. */
  readonly object: StoredObject | null
  /** When it came into being, or was removed. */
  readonly sinceMs: number
  /** A `get` has shown it. */
  isShown: boolean
}

export class ObjectTable {
  readonly #entries = new Map<string, Entry>()
  #versions = 0

  get(key: string): StoredObject | null {
    const entry = this.#entries.get(key)
    if (entry === undefined) return null
    entry.isShown = true
    return entry.object === null ? null : { ...entry.object, bytes: entry.object.bytes.slice() }
  }

  /** Takes the bytes. */
  putIf(key: string, bytes: Uint8Array, expected: string | null, nowMs: number): string | null {
    const entry = this.#entries.get(key)
    if ((entry?.object?.version ?? null) !== expected) return null
    const version = `v${++this.#versions}`
    const isNew = entry?.object == null
    this.#entries.set(key, {
      object: { bytes, version },
      sinceMs: isNew ? nowMs : (entry as Entry).sinceMs,
      isShown: !isNew && (entry as Entry).isShown,
    })
    return version
  }

  remove(key: string, nowMs: number): void {
    if (this.#entries.get(key)?.object == null) return
    this.#entries.set(key, { object: null, sinceMs: nowMs, isShown: false })
  }

  /** Ascending, as they were up to `lagMs` ago where no `get` tells otherwise. */
  list(prefix: string, nowMs: number, lagMs: number): string[] {
    const keys: string[] = []
    for (const [key, { object, sinceMs, isShown }] of this.#entries) {
      if (!key.startsWith(prefix)) continue
      const isLate = !isShown && nowMs - sinceMs < lagMs
      if ((object !== null) !== isLate) keys.push(key)
    }
    return keys.sort()
  }

  /** All that is there, without anything being shown. */
  keys(): string[] {
    return [...this.#entries].flatMap(([key, { object }]) => (object === null ? [] : [key])).sort()
  }

  peek(key: string): StoredObject | null {
    return this.#entries.get(key)?.object ?? null
  }
}
