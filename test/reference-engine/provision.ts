/**
 * Fetches the reference engine (Apache Flink) from package registries, once, into a cache: its jars
 * from the Python package that carries them, its SQL gateway and Kafka connector from Maven.
 *
 * Stands beside the product: only `--against flink` of the benchmarks uses it. A cache directory
 * holds `complete` only when every jar is there, so an interrupted download is done again.
 */
import { spawn, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const FLINK_VERSION = '2.3.0'
/** The newest connector that works with it. */
const KAFKA_CONNECTOR_VERSION = '5.0.0-2.2'

/** Why the engine cannot be had on this machine, or null. */
export function missingForReferenceEngine(): string | null {
  const programs: readonly (readonly [string, readonly string[], string])[] = [
    ['java', ['-version'], 'a Java runtime, 17 (Debian: openjdk-17-jre-headless)'],
    ['mvn', ['-version'], 'Apache Maven (Debian: maven)'],
    ['python3', ['-m', 'pip', '--version'], 'pip for Python 3 (Debian: python3-pip)'],
  ]
  for (const [name, args, what] of programs) {
    const probe = spawnSync(name, args, { stdio: 'ignore' })
    if (probe.error !== undefined || probe.status !== 0) return `needs ${what}`
  }
  return null
}

/** The directory of all jars. */
export async function provisionReferenceEngine(progress: (line: string) => void): Promise<string> {
  const cache = fileURLToPath(
    new URL('../../node_modules/.cache/reference-engine', import.meta.url),
  )
  const jars = join(cache, FLINK_VERSION)
  if (existsSync(join(jars, 'complete'))) return jars
  const missing = missingForReferenceEngine()
  if (missing !== null) throw new Error(`The reference engine ${missing}.`)
  const partial = `${jars}.${process.pid}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(join(partial, 'package'), { recursive: true })
  progress(`fetching the reference engine ${FLINK_VERSION} (330 MB, once) …`)
  await run('python3', [
    ...['-m', 'pip', 'install', '--quiet', '--no-deps', '--disable-pip-version-check'],
    ...['--target', join(partial, 'package'), `apache-flink-libraries==${FLINK_VERSION}`],
  ])
  const library = join(partial, 'package/pyflink/lib')
  for (const name of readdirSync(library)) cpSync(join(library, name), join(partial, name))
  rmSync(join(partial, 'package'), { recursive: true })
  for (const artifact of [
    `org.apache.flink:flink-sql-gateway:${FLINK_VERSION}`,
    `org.apache.flink:flink-sql-connector-kafka:${KAFKA_CONNECTOR_VERSION}`,
  ]) {
    await run('mvn', [
      ...['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`],
      `-DoutputDirectory=${partial}`,
    ])
  }
  writeFileSync(join(partial, 'complete'), `${FLINK_VERSION}\n`)
  rmSync(jars, { recursive: true, force: true })
  renameSync(partial, jars)
  return jars
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const onText = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000)
    }
    child.stdout.on('data', onText)
    child.stderr.on('data', onText)
    child.on('error', fail)
    child.on('close', (code) => {
      if (code === 0) done()
      else fail(new Error(`${command} ${args[0]} ended with exit code ${code}: ${output}`))
    })
  })
}
