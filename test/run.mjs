// `npm test`: everything, in order of cost; the first failing stage ends it. Installs what is missing, with the pinned Node.
import { spawnSync } from 'node:child_process'
import fs, { existsSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

function run(title, command, args, env = process.env) {
  const startedMs = Date.now()
  console.log(`\n== ${title}`)
  const { status, signal } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env })
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1)
  if (status !== 0) {
    console.error(`== ${title}: failed after ${seconds} s (${signal ?? `exit code ${status}`})`)
    process.exit(1)
  }
  console.log(`== ${title}: ${seconds} s`)
}

if (!existsSync(`${root}/node_modules/.package-lock.json`)) {
  run('install', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}
const node = existsSync(`${root}/node_modules/.bin/node`)
  ? `${root}/node_modules/.bin/node`
  : process.execPath
// An older system Node only starts this file; the pinned one goes on.
if (process.execPath !== realpathSync(node) && Number(process.versions.node.split('.')[0]) < 26) {
  const { status } = spawnSync(node, process.argv.slice(1), { cwd: root, stdio: 'inherit' })
  process.exit(status ?? 1)
}

const SIMULATION = 'simulated clusters'
const only = process.argv[2]
const stages = [
  ['lint', () => run('lint and format', 'node_modules/.bin/biome', ['check', '.'])],
  ['types', () => run('types', 'node_modules/.bin/tsc', ['--noEmit'])],
  ['architecture', () => test('architecture', ['test/architecture/*.test.ts'], 2)],
  [
    'unit',
    () => test('packages', ['packages/*/src/**/*.test.ts', 'packages/*/src/**/*.fuzz.ts'], 2),
  ],
  ['simulation', () => test(SIMULATION, ['test/simulation/*.test.ts'], 1, 1_800_000)],
  [
    'sql',
    () =>
      test(
        'SQL jobs on a local cluster',
        ['test/sql/*.test.ts', 'test/end-to-end/*.test.ts', 'test/compatibility/*.test.ts'],
        1,
      ),
  ],
  // The first file may build the server.
  ['s3', () => test('real S3', ['test/s3/*.test.ts'], 1)],
  [
    'integration',
    () => test('real Kafka', ['test/chaos/*.test.ts', 'test/integration/*.test.ts'], 1),
  ],
]

/** `timeoutMs`: of one file. */
function test(title, patterns, concurrency, timeoutMs = 900_000) {
  // Not a named import: the old system Node that starts this file has no globSync.
  const files = fs.globSync(patterns, { cwd: root })
  if (files.length === 0) {
    console.error(`== ${title}: no test files match ${patterns.join(' ')}`)
    process.exit(1)
  }
  // As the product's own entry does (bin/pinned-node.mjs): half of what loading takes is stripping
  // types, and each worker of a swarm loads everything.
  const cache = { NODE_COMPILE_CACHE: `${root}/node_modules/.cache/millrace-compile` }
  const env = title === SIMULATION ? { ...cache, ...process.env } : process.env
  const args = [
    '--disable-warning=ExperimentalWarning',
    '--test',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${timeoutMs}`,
    `--test-reporter=${process.stdout.isTTY ? 'spec' : 'dot'}`,
    '--test-reporter-destination=stdout',
    ...(process.stdout.isTTY
      ? []
      : ['--test-reporter=./test/summary-reporter.mjs', '--test-reporter-destination=stdout']),
    ...files,
  ]
  run(title, node, args, env)
}

if (only !== undefined && !stages.some(([name]) => name === only)) {
  console.error(`Unknown stage '${only}'; stages: ${stages.map(([name]) => name).join(', ')}.`)
  process.exit(1)
}
for (const [name, stage] of stages) if (only === undefined || only === name) stage()
