/**
 * An object store in a directory, for any number of processes on one filesystem.
 *
 * An object is a directory `<key>@object` with its bytes in `data-<id>` and an empty file whose
 * name, `head-<n>-<id>`, is its version and says which bytes count. A write puts new bytes beside
 * the old ones, synced, and renames the head: only one of many can rename a name away, and that
 * name never comes back, so a writer that slept since it read the version cannot win. A new object
 * is a whole directory renamed into place, which fails while there is one. A crash at any step
 * leaves the old version or the new one.
 */
import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { platformError } from '../../error-codes.ts'
import { localPathOf, schemeOf } from '../../location.ts'
import type { ObjectStore, ObjectStores, StoredObject } from '../../object-store.ts'
import { nodeFilesystem } from '../node-filesystem.ts'
import { plainBytes } from '../plain-bytes.ts'

const OBJECT_SUFFIX = '@object'
/** How often a step begins anew because another process changed the object meanwhile. */
const ATTEMPTS_MAX = 100
/**
 * Where listing is not atomic, one taken while a head is renamed may show neither name; so many in
 * a row, of the same files, do not: each rename brings another data file.
 */
const LOOKS_FOR_HEAD = 3

interface Head {
  readonly name: string
  readonly sequence: number
  readonly dataFile: string
}

/** What stands in an object's directory: its head, or without one what a removal left. */
type Look = { readonly head: Head } | { readonly head: null; readonly leftovers: string[] }

export const directoryObjectStores: ObjectStores = {
  open: (location) => new DirectoryObjectStore(directoryOf(location)),
}

function directoryOf(location: string): string {
  const path = localPathOf(location)
  if (path !== null) return path
  const scheme = schemeOf(location)
  throw platformError(
    'OBJECT_STORE_UNSUPPORTED',
    `Write an absolute path or a file:// URI; the location is '${location}'.`,
    scheme === null || scheme === 'file'
      ? {}
      : { hint: `Not supported yet: object stores at '${scheme}://'.` },
  )
}

class DirectoryObjectStore implements ObjectStore {
  readonly #root: string
  constructor(root: string) {
    this.#root = root
  }

  get(key: string): Promise<StoredObject | null> {
    return this.#guarded('read', key, () => this.#get(this.#directory(key)))
  }

  putIf(key: string, bytes: Uint8Array, expected: string | null): Promise<string | null> {
    const copy = bytes.slice()
    const directory = this.#directory(key)
    return this.#guarded('write', key, () =>
      expected === null ? this.#create(directory, copy) : this.#replace(directory, copy, expected),
    )
  }

  list(prefix: string): Promise<string[]> {
    return this.#guarded('list', prefix, async () => {
      const keys: string[] = []
      await this.#collect(this.#root, '', prefix, keys)
      return keys.sort()
    })
  }

  remove(key: string): Promise<void> {
    return this.#guarded('remove', key, () => this.#remove(this.#directory(key)))
  }

  #directory(key: string): string {
    const parts = key.split('/')
    if (parts.some((part) => part === '')) throw new Error(`'${key}' is no key of an object`)
    return `${join(this.#root, ...parts.map(encodePart))}${OBJECT_SUFFIX}`
  }

  async #guarded<T>(what: string, key: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (cause) {
      throw platformError(
        'OBJECT_STORE_UNAVAILABLE',
        `Cannot ${what} '${key}' in ${this.#root}: ${(cause as Error).message}.`,
        { hint: 'Check that every process may write there and that its disk has room.', cause },
      )
    }
  }

  async #get(directory: string): Promise<StoredObject | null> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const head = await findHead(directory)
      if (head === null) return null
      try {
        const bytes = await fs.readFile(join(directory, head.dataFile))
        return { bytes: plainBytes(bytes), version: head.name }
      } catch (error) {
        // Replaced since the listing.
        if (!hasCode(error, 'ENOENT')) throw error
      }
    }
    throw new Error('it changes faster than it can be read')
  }

  async #create(directory: string, bytes: Uint8Array): Promise<string | null> {
    const parent = dirname(directory)
    await nodeFilesystem.makeDirectory(parent)
    const id = randomUUID()
    const fresh = join(parent, `.new-${id}`)
    const version = `head-1-${id}`
    try {
      await fs.mkdir(fresh)
      await writeSynced(join(fresh, `data-${id}`), bytes)
      await writeSynced(join(fresh, version), new Uint8Array(0))
      await nodeFilesystem.syncDirectory(fresh)
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        const seen = await look(directory)
        if (seen.head !== null) return null
        await sweep(directory, seen.leftovers)
        if (!(await renameDirectory(fresh, directory))) continue
        await nodeFilesystem.syncDirectory(parent)
        return version
      }
      throw new Error('it changes faster than it can be written')
    } finally {
      await fs.rm(fresh, { recursive: true, force: true })
    }
  }

  async #replace(directory: string, bytes: Uint8Array, expected: string): Promise<string | null> {
    const old = await findHead(directory)
    if (old?.name !== expected) return null
    const id = randomUUID()
    const version = `head-${old.sequence + 1}-${id}`
    const data = join(directory, `data-${id}`)
    try {
      await writeSynced(data, bytes)
      await fs.rename(join(directory, expected), join(directory, version))
    } catch (error) {
      // The version, or the whole object, is gone.
      await fs.rm(data, { force: true })
      if (hasCode(error, 'ENOENT')) return null
      throw error
    }
    await nodeFilesystem.syncDirectory(directory)
    await fs.rm(join(directory, old.dataFile), { force: true })
    return version
  }

  async #remove(directory: string): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const seen = await look(directory)
      if (seen.head === null) return sweep(directory, seen.leftovers)
      try {
        await fs.unlink(join(directory, seen.head.name))
        await nodeFilesystem.syncDirectory(directory)
      } catch (error) {
        // Another version came meanwhile.
        if (!hasCode(error, 'ENOENT')) throw error
      }
    }
    throw new Error('it changes faster than it can be removed')
  }

  async #collect(path: string, keyHere: string, prefix: string, keys: string[]): Promise<void> {
    for (const name of await namesIn(path)) {
      if (name.startsWith('.')) continue
      const isObject = name.endsWith(OBJECT_SUFFIX)
      const part = isObject ? name.slice(0, -OBJECT_SUFFIX.length) : name
      const key = `${keyHere}${decodeURIComponent(part)}`
      if (isObject) {
        const wanted = key.startsWith(prefix)
        if (wanted && (await findHead(join(path, name))) !== null) keys.push(key)
      } else if (`${key}/`.startsWith(prefix) || prefix.startsWith(`${key}/`)) {
        await this.#collect(join(path, name), `${key}/`, prefix, keys)
      }
    }
  }
}

/** No encoded name contains `@` or begins with a dot. */
function encodePart(part: string): string {
  return encodeURIComponent(part).replace(/^\./, '%2E')
}

async function findHead(directory: string): Promise<Head | null> {
  return (await look(directory)).head
}

async function look(directory: string): Promise<Look> {
  let leftovers = await namesIn(directory)
  for (let same = 1; ; same++) {
    const head = newestHead(leftovers)
    if (head !== null) return { head }
    if (leftovers.length === 0 || same >= LOOKS_FOR_HEAD) return { head: null, leftovers }
    const again = await namesIn(directory)
    if (again.join() !== leftovers.join()) same = 0
    leftovers = again
  }
}

function newestHead(names: readonly string[]): Head | null {
  let newest: Head | null = null
  for (const name of names) {
    const match = /^head-(\d+)-(.+)$/.exec(name)
    if (match === null) continue
    const sequence = Number(match[1])
    if (newest === null || sequence > newest.sequence) {
      newest = { name, sequence, dataFile: `data-${match[2]}` }
    }
  }
  return newest
}

/** Clears what stood beside a head that is gone; whoever still writes such a file cannot win. */
async function sweep(directory: string, leftovers: readonly string[]): Promise<void> {
  for (const name of leftovers) await fs.rm(join(directory, name), { force: true })
  try {
    await fs.rmdir(directory)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error
  }
}

/** False: there is a directory that is not empty. */
async function renameDirectory(from: string, to: string): Promise<boolean> {
  try {
    await fs.rename(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return false
    throw error
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await fs.readdir(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await fs.open(path, 'wx')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code ?? '')
}
