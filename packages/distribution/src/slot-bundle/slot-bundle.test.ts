/**
 * The bundle of a slot's code: what it is made of, when it is used, and that a slot starts of it.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { buildSlotBundle } from './build-slot-bundle.ts'
import {
  BUNDLE_MANIFEST,
  BUNDLE_ROOT,
  type BundleManifest,
  currentSlotBundle,
} from './slot-bundle.ts'

// Below the repository's packages: what stays outside the bundle is found from where it stands.
const directory = new URL(`node_modules/.cache/millrace-slot-test-${process.pid}/`, BUNDLE_ROOT)
const manifestFile = new URL(BUNDLE_MANIFEST, directory)

before(() => buildSlotBundle(directory))
after(() => rmSync(directory, { recursive: true, force: true }))

function readManifest(): BundleManifest {
  return JSON.parse(readFileSync(manifestFile, 'utf8')) as BundleManifest
}

test('a bundle is current until one of its sources is another', () => {
  assert.ok(currentSlotBundle(directory)?.href.endsWith('.cjs'))
  const root = mkdtempSync(join(tmpdir(), 'millrace-bundle-'))
  try {
    mkdirSync(join(root, 'cache'))
    const cache = pathToFileURL(`${root}/cache/`)
    writeFileSync(join(root, 'cache', 'slot-1.cjs'), '')
    writeFileSync(join(root, 'a.ts'), 'old')
    const manifest = (changedMs: number): BundleManifest => ({
      bundle: 'slot-1.cjs',
      inputs: [['a.ts', 3, changedMs]],
    })
    const current = () => currentSlotBundle(cache, pathToFileURL(`${root}/`))
    assert.equal(current(), null, 'nothing was made yet')
    writeFileSync(join(root, 'cache', BUNDLE_MANIFEST), JSON.stringify(manifest(1)))
    assert.equal(current(), null, 'the source was changed at another time')
    writeFileSync(join(root, 'cache', BUNDLE_MANIFEST), '{')
    assert.equal(current(), null, 'the manifest is damaged')
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
  const manifest = readManifest()
  const [[path, bytes, changedMs], ...others] = manifest.inputs as never as [
    BundleManifest['inputs'][number],
    ...BundleManifest['inputs'],
  ]
  const changed = { ...manifest, inputs: [[path, bytes + 1, changedMs], ...others] }
  writeFileSync(manifestFile, JSON.stringify(changed))
  assert.equal(currentSlotBundle(directory), null)
  writeFileSync(manifestFile, JSON.stringify(manifest))
  assert.notEqual(currentSlotBundle(directory), null)
})

test('a bundle holds every connector and nothing of the test suites', () => {
  const paths = readManifest().inputs.map(([path]) => path)
  for (const name of ['connector-kafka', 'connector-filesystem', 'connector-basic', 's3']) {
    assert.ok(
      paths.some((path) => path.startsWith(`packages/${name}/`)),
      name,
    )
  }
  assert.deepEqual(
    paths.filter((path) => !path.startsWith('packages/') || path.includes('/testing/')),
    [],
  )
})

test('a slot starts of the bundle and serves its data port', async () => {
  const worker = new Worker(currentSlotBundle(directory) as URL, { workerData: { s3: {} } })
  try {
    const first = new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    worker.postMessage({
      kind: 'start',
      taskManagerId: 'tm-1',
      slotIndex: 0,
      configuration: {},
      dataBindAddress: '127.0.0.1:0',
      dataHost: '127.0.0.1',
      network: {
        segmentBytes: 32_768,
        segmentCountMax: 64,
        buffersPerChannel: 2,
        floatingBuffers: 8,
      },
      totalMaxBytes: 256 << 20,
      liveness: new SharedArrayBuffer(64),
    })
    const { kind, dataAddress } = (await first) as { kind: string; dataAddress: string }
    assert.equal(kind, 'started')
    assert.match(dataAddress, /^127\.0\.0\.1:\d+$/)
  } finally {
    await worker.terminate()
  }
})
