/**
 * The code of a slot's thread in one file, kept between starts like compiled code: a thread of it
 * starts with a third less CPU.
 *
 * A TaskManager that finds no bundle, or one whose sources have changed, starts its slots from the
 * sources and has the bundle made for the next start. Invariant: a bundle is used only while every
 * file that it was made of is the one it was made of; bundles are never overwritten or removed, as
 * threads of a running TaskManager start from theirs.
 */
import { spawn } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What stands beside the bundles. */
export interface BundleManifest {
  /** File name of the bundle. */
  readonly bundle: string
  /** Path from the root of the repository, size, time of the last change in ms. */
  readonly inputs: readonly (readonly [path: string, bytes: number, changedMs: number])[]
}

export const BUNDLE_ROOT = new URL('../../../../', import.meta.url)
export const BUNDLE_DIRECTORY = new URL('node_modules/.cache/millrace-slot/', BUNDLE_ROOT)
export const BUNDLE_MANIFEST = 'manifest.json'

/** By then a TaskManager has started, and its first job has too. */
const BUILD_DELAY_MS = 5000

/** The entry of slot threads, or null: the sources are to be used. */
export function currentSlotBundle(
  directory: URL = BUNDLE_DIRECTORY,
  root: URL = BUNDLE_ROOT,
): URL | null {
  try {
    const text = readFileSync(new URL(BUNDLE_MANIFEST, directory), 'utf8')
    const { bundle, inputs } = JSON.parse(text) as BundleManifest
    const entry = new URL(bundle, directory)
    if (!statSync(entry).isFile()) return null
    const base = fileURLToPath(root)
    const isCurrent = inputs.every(([path, bytes, changedMs]) => {
      const stat = statSync(base + path)
      return stat.size === bytes && stat.mtimeMs === changedMs
    })
    return isCurrent ? entry : null
  } catch {
    return null
  }
}

/** Has the bundle made in a process of its own, later; without the bundler, nothing comes of it. */
export function buildSlotBundleLater(): void {
  setTimeout(() => {
    const script = fileURLToPath(new URL('./build-slot-bundle.ts', import.meta.url))
    const flags = ['--disable-warning=ExperimentalWarning']
    const builder = spawn(process.execPath, [...flags, script], { stdio: 'ignore', detached: true })
    builder.once('error', () => {})
    builder.unref()
  }, BUILD_DELAY_MS).unref()
}
