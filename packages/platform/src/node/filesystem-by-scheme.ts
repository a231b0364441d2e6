/** Files of this machine and, at paths with a scheme, wherever else there are some. */
import type { Filesystem } from '../filesystem.ts'
import { schemeOf } from '../location.ts'
import type { RemoteStorage } from '../platform.ts'

export function filesystemByScheme(local: Filesystem, remote: RemoteStorage | null): Filesystem {
  if (remote === null) return local
  const schemes = new Set<string | null>(remote.schemes)
  const of = (path: string) => (schemes.has(schemeOf(path)) ? remote.filesystem() : local)
  return {
    schemes: remote.schemes,
    readFile: (path) => of(path).readFile(path),
    writeFileAtomic: (path, bytes) => of(path).writeFileAtomic(path, bytes),
    open: (path, mode) => of(path).open(path, mode),
    rename: (from, to) => of(from).rename(from, to),
    syncDirectory: (path) => of(path).syncDirectory(path),
    list: (directory) => of(directory).list(directory),
    status: (path) => of(path).status(path),
    makeDirectory: (path) => of(path).makeDirectory(path),
    remove: (path) => of(path).remove(path),
  }
}
