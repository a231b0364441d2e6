/**
 * Fetches the jars of a real Apache Kafka broker with Maven, once per version, into a cache.
 *
 * Stands beside the product: only tests, benchmarks and `npm run kafka` use it. A cache directory
 * holds `complete` only when every jar was copied, so an interrupted download is done again.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))

/** Versions known to work; `KAFKA_VERSION` takes any other. */
export const KAFKA_VERSION_DEFAULT = '3.9.2'
export const KAFKA_VERSION_4 = '4.1.1'

export interface ProvisionOptions {
  readonly version?: string
  /**
   * Where versions are kept; default `KAFKA_CACHE_DIRECTORY`, else
   * `node_modules/.cache/kafka-broker`.
   */
  readonly cacheDirectory?: string
  readonly progress?: (line: string) => void
}

/** The directory that holds the jars of `version`, downloaded when missing. */
export async function provisionKafka(options: ProvisionOptions = {}): Promise<string> {
  const version = options.version ?? process.env.KAFKA_VERSION ?? KAFKA_VERSION_DEFAULT
  const progress = options.progress ?? ((line: string) => process.stderr.write(`${line}\n`))
  const cache = resolve(
    options.cacheDirectory ??
      process.env.KAFKA_CACHE_DIRECTORY ??
      join(here, '../../node_modules/.cache/kafka-broker'),
  )
  const jars = join(cache, version)
  requireProgram('java', ['-version'], 'a Java runtime, 17 or later', 'openjdk-17-jre-headless')
  if (existsSync(join(jars, 'complete'))) return jars
  requireProgram('mvn', ['-version'], 'Apache Maven', 'maven')
  mkdirSync(cache, { recursive: true })
  const partial = `${jars}.${process.pid}.partial`
  rmSync(partial, { recursive: true, force: true })
  progress(`Fetching Apache Kafka ${version} with Maven into ${jars} (about 65 MB, once) …`)
  const started = process.hrtime.bigint()
  await runMaven(version, partial, progress)
  writeFileSync(join(partial, 'complete'), `${version}\n`)
  rmSync(jars, { recursive: true, force: true })
  try {
    renameSync(partial, jars)
  } catch (error) {
    // Another process finished the same download first.
    rmSync(partial, { recursive: true, force: true })
    if (!existsSync(join(jars, 'complete'))) throw error
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  progress(`Apache Kafka ${version} is there after ${seconds.toFixed(0)} s.`)
  return jars
}

function requireProgram(name: string, args: string[], what: string, debianPackage: string): void {
  const probe = spawnSync(name, args, { stdio: 'ignore' })
  if (probe.error === undefined && probe.status === 0) return
  throw new Error(
    `A real Kafka broker needs ${what}, and '${name}' does not run here. Install it ` +
      `(Debian, Ubuntu: apt-get install ${debianPackage}; macOS: brew install ` +
      `${name === 'mvn' ? 'maven' : 'openjdk@17'}), or set KAFKA_BOOTSTRAP_SERVERS=host:port to a broker that runs already.`,
  )
}

const REPORT_INTERVAL_MS = 3000
const KILOBYTES: Readonly<Record<string, number>> = { B: 0.001, kB: 1, MB: 1000 }

function runMaven(version: string, target: string, progress: (line: string) => void) {
  const args = [
    '-B',
    '-f',
    join(here, 'pom.xml'),
    'dependency:copy-dependencies',
    `-Dkafka.version=${version}`,
    '-DincludeScope=runtime',
    `-DoutputDirectory=${target}`,
  ]
  return new Promise<void>((done, fail) => {
    const maven = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let log = ''
    let files = 0
    let kilobytes = 0
    const onText = (chunk: Buffer) => {
      const text = chunk.toString()
      log = (log + text).slice(-8000)
      for (const [, size, unit] of text.matchAll(
        /Downloaded from [^\n]*\(([\d.]+) (B|kB|MB) at/g,
      )) {
        files++
        kilobytes += Number(size) * (KILOBYTES[unit as string] as number)
      }
    }
    const started = performance.now()
    const report = setInterval(() => {
      const seconds = Math.round((performance.now() - started) / 1000)
      progress(
        files === 0
          ? `  Maven is at work; nothing had to be fetched yet after ${seconds} s`
          : `  ${files} files, ${(kilobytes / 1000).toFixed(0)} MB after ${seconds} s`,
      )
    }, REPORT_INTERVAL_MS)
    maven.stdout.on('data', onText)
    maven.stderr.on('data', onText)
    maven.on('error', fail)
    maven.on('close', (code) => {
      clearInterval(report)
      if (code === 0) return done()
      const errors = log.split('\n').filter((line) => line.includes('ERROR'))
      fail(
        new Error(
          `Maven could not fetch Apache Kafka ${version} (exit code ${code}): ` +
            `${errors.slice(0, 3).join(' ') || log.slice(-500)} — check the network or the version, ` +
            `or set KAFKA_BOOTSTRAP_SERVERS=host:port to a broker that runs already.`,
        ),
      )
    })
  })
}
