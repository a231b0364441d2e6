/**
 * Segments that checkpoints share: while a checkpoint's metadata is there, so is all that it refers
 * to; and what no checkpoint refers to any more is removed before many further ones are complete.
 */
import { decodeManifest, mapHandles, sharedFilesOf, sharedPath } from '@millrace/state'
import type { SimulatedDisk } from '../platform/filesystem/simulated-disk.ts'
import { type Violation, violation } from './violation.ts'

const CHECKER = 'shared-segments'
/** A disk in trouble refuses a removal; it is tried again with each checkpoint. */
const CHECKPOINTS_MAX = 6

export interface ObservedCheckpoints {
  /** `<checkpoint directory>/<job id>`. */
  readonly directory: string
  /** Job and leader: who was told what. */
  readonly life: string
  /** Checkpoints that were complete so far in this life. */
  readonly completed: number
}

/** What the checkpoint at `location` refers to beside its own directory; none: nothing. */
export function sharedFilesAt(disk: SimulatedDisk, location: string): ReadonlySet<string> {
  const jobDirectory = location.slice(0, location.lastIndexOf('/'))
  const metadata = `${location}/_metadata`
  if (disk.findOrNull(metadata, 'stat') === null) return new Set()
  const manifest = mapHandles(decodeManifest(disk.bytesOf(metadata), metadata), (handle) =>
    handle.kind === 'file'
      ? { ...handle, path: handle.path.replace(/^\.\.\//, `${jobDirectory}/`) }
      : handle,
  )
  return sharedFilesOf(manifest, jobDirectory)
}

export class SegmentChecker {
  readonly violations: Violation[] = []
  /** Segments that were held to what refers to them. */
  observed = 0
  /** Of a segment that was needed once in this life: since how many complete ones it is not. */
  readonly #unneededSince = new Map<string, number>()
  #life = ''
  readonly #missing = new Set<string>()

  observe(disk: SimulatedDisk, { directory, life, completed }: ObservedCheckpoints): void {
    if (life !== this.#life) this.#unneededSince.clear()
    this.#life = life
    const needed = new Set<string>()
    const locations = disk
      .files(directory)
      .filter(({ path }) => path.endsWith('/_metadata'))
      .map(({ path }) => path.slice(0, path.lastIndexOf('/')))
    for (const location of locations) {
      const files = sharedFilesAt(disk, location)
      for (const path of files) needed.add(path)
      this.#requireAll(disk, location, files)
    }
    this.observed += needed.size
    for (const { path } of disk.files(sharedPath(directory))) {
      if (needed.has(path)) {
        this.#unneededSince.set(path, Number.POSITIVE_INFINITY)
        continue
      }
      const since = this.#unneededSince.get(path)
      if (since === Number.POSITIVE_INFINITY) this.#unneededSince.set(path, completed)
      else if (since !== undefined && completed - since > CHECKPOINTS_MAX) {
        this.#unneededSince.delete(path)
        const text = `Nothing refers to ${path} any more since ${completed - since} checkpoints.`
        this.violations.push(violation(CHECKER, text, []))
      }
    }
  }

  #requireAll(disk: SimulatedDisk, location: string, files: ReadonlySet<string>): void {
    const missing = [...files].filter((path) => !disk.exists(path))
    if (missing.length === 0 || this.#missing.has(location)) return
    this.#missing.add(location)
    const text = `The checkpoint at ${location} refers to shared segments that are gone.`
    this.violations.push(violation(CHECKER, text, missing))
  }
}
