/**
 * Makes the bundle of a slot thread's code; a process of its own, started by `slot-bundle.ts`.
 *
 * One CommonJS file: what the sources load when it is first needed (`load(…)`, `import(…)`) is in
 * it but stays asleep until then, and packages from the registry stay outside. Invariant: no module
 * of this repository is loaded from outside the bundle, else a slot would hold it twice and its
 * errors would not be known again.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import {
  BUNDLE_DIRECTORY,
  BUNDLE_MANIFEST,
  BUNDLE_ROOT,
  type BundleManifest,
} from './slot-bundle.ts'

const OWN = '@millrace/'
const SYNCHRONOUS_LOAD = 'const load = createRequire(import.meta.url)'

/** Own packages go in, others stay out. */
const ownPackages: Plugin = {
  name: 'own-packages',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      path.startsWith(OWN) || kind === 'entry-point' ? undefined : { path, external: true },
    )
    // The bundler knows `require` alone.
    onLoad({ filter: /\/packages\/.*\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      const contents = source.includes(SYNCHRONOUS_LOAD)
        ? source.replaceAll(`load('${OWN}`, `require('${OWN}`)
        : source
      return { contents, loader: 'ts' }
    })
  },
}

/** Writes bundle and manifest; the manifest last, and at once. */
export async function buildSlotBundle(directory: URL): Promise<void> {
  const root = fileURLToPath(BUNDLE_ROOT)
  const startedMs = Date.now()
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['packages/distribution/src/process/slot-thread-main.ts'],
    bundle: true,
    write: false,
    metafile: true,
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    define: { 'import.meta.url': 'bundleUrl' },
    banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
    plugins: [ownPackages],
    logLevel: 'silent',
  })
  const { contents } = outputFiles[0] as (typeof outputFiles)[number]
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports)
  const missed = outside.find(({ path }) => path.startsWith(OWN))
  if (missed !== undefined)
    throw new Error(`${missed.path} would be loaded from outside the bundle`)
  const inputs = Object.keys(metafile.inputs).map((path) => {
    const { size, mtimeMs } = statSync(root + path)
    // Changed while it was being read: which of the two is in the bundle is not known.
    return [path, size, mtimeMs < startedMs ? mtimeMs : Number.NaN] as const
  })
  const bundle = `slot-${createHash('sha256').update(contents).digest('hex').slice(0, 16)}.cjs`
  mkdirSync(directory, { recursive: true })
  replaceFile(new URL(bundle, directory), contents)
  const manifest: BundleManifest = { bundle, inputs }
  replaceFile(new URL(BUNDLE_MANIFEST, directory), JSON.stringify(manifest))
}

function replaceFile(file: URL, contents: string | Uint8Array): void {
  const part = new URL(`${file.href}.${process.pid}`)
  writeFileSync(part, contents)
  renameSync(part, file)
}

if (import.meta.main) await buildSlotBundle(BUNDLE_DIRECTORY)
