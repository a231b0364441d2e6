/** Object stores in directories and, by scheme, wherever else there are some. */

import { schemeOf } from '../../location.ts'
import type { ObjectStores } from '../../object-store.ts'
import type { RemoteStorage } from '../../platform.ts'

export function objectStoresByScheme(
  directories: ObjectStores,
  remote: RemoteStorage | null,
): ObjectStores {
  if (remote === null) return directories
  const schemes = new Set<string | null>(remote.schemes)
  return {
    open: (location) =>
      (schemes.has(schemeOf(location)) ? remote.objectStores() : directories).open(location),
  }
}
