/**
 * Small objects with conditional writes, as a port: high availability keeps its leader lease, job
 * graphs and checkpoint pointers here.
 *
 * A location is a directory (`file:///path`) or a bucket. What a rejected write did is unknown: the
 * object may be written already, or never; only reading it again tells. A conditional write has one
 * winner among any number of writers, and readers see the winner's bytes at once.
 */
export interface StoredObject {
  readonly bytes: Uint8Array
  /** Opaque; another one after each write, even of the same bytes. */
  readonly version: string
}

export interface ObjectStore {
  /** Keys are relative paths such as `jobs/<id>/checkpoint`. Null when there is no such object. */
  get(key: string): Promise<StoredObject | null>
  /**
   * Writes only while the object's version is `expected` (null: while there is none). Resolves with
   * the new version, or null when the object has another one.
   */
  putIf(key: string, bytes: Uint8Array, expected: string | null): Promise<string | null>
  /** Keys that begin with `prefix`, ascending. */
  list(prefix: string): Promise<string[]>
  /** Missing is fine. */
  remove(key: string): Promise<void>
}

export interface ObjectStores {
  /** Touches nothing yet. Throws OBJECT_STORE_UNSUPPORTED for a scheme that is not served. */
  open(location: string): ObjectStore
}
