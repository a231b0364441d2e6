/**
 * Builds a real S3 server (versitygw, Apache-2.0) with Go, once per version, into a cache.
 *
 * Stands beside the product: only tests and `npm run s3` use it. The program appears in the cache
 * under its final name only when it is whole, so an interrupted build is done again. Without Go
 * nothing can be built: tests then say so and are counted as skipped, since no machine needs Go for
 * anything else here.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const PROGRAM = 'versitygw'

/** Known to work; `S3_SERVER_VERSION` takes any other. */
export const S3_SERVER_VERSION_DEFAULT = 'v1.8.0'

export interface S3ServerProvisionOptions {
  readonly version?: string
  /**
   * Where versions are kept; default `S3_SERVER_CACHE_DIRECTORY`, else
   * `node_modules/.cache/s3-server`.
   */
  readonly cacheDirectory?: string
  readonly progress?: (line: string) => void
}

function programOf(options: S3ServerProvisionOptions): { version: string; program: string } {
  const version = options.version ?? process.env.S3_SERVER_VERSION ?? S3_SERVER_VERSION_DEFAULT
  const cache = resolve(
    options.cacheDirectory ??
      process.env.S3_SERVER_CACHE_DIRECTORY ??
      join(here, '../../node_modules/.cache/s3-server'),
  )
  return { version, program: join(cache, version, PROGRAM) }
}

/**
 * Why there can be no S3 server here, in one line that says what to do; null: there is one, or
 * it can be built.
 */
export function s3ServerMissing(options: S3ServerProvisionOptions = {}): string | null {
  if ((process.env.S3_ENDPOINT ?? '') !== '' || existsSync(programOf(options).program)) return null
  const probe = spawnSync('go', ['version'], { stdio: 'ignore' })
  if (probe.error === undefined && probe.status === 0) return null
  return (
    'a real S3 server needs Go to build it, and `go` does not run here: install Go 1.25 or later ' +
    '(https://go.dev/dl; macOS: brew install go), or set S3_ENDPOINT to a server that runs already'
  )
}

/** The path of the server’s program, built when missing. */
export async function provisionS3Server(options: S3ServerProvisionOptions = {}): Promise<string> {
  const { version, program } = programOf(options)
  if (existsSync(program)) return program
  const missing = s3ServerMissing(options)
  if (missing !== null) throw new Error(`${missing}.`)
  const progress = options.progress ?? ((line: string) => process.stderr.write(`${line}\n`))
  progress(`Building the S3 server ${PROGRAM} ${version} with Go into ${program} (once) …`)
  const started = process.hrtime.bigint()
  const partial = `${dirname(program)}.${process.pid}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  try {
    await runGo(version, partial, progress)
    mkdirSync(dirname(program), { recursive: true })
    renameSync(join(partial, PROGRAM), program)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  progress(`The S3 server is there after ${seconds.toFixed(0)} s.`)
  return program
}

const REPORT_INTERVAL_MS = 5000

function runGo(version: string, target: string, progress: (line: string) => void): Promise<void> {
  const module = `github.com/versity/versitygw/cmd/versitygw@${version}`
  return new Promise((done, fail) => {
    // Without optimizing, the build takes a third less.
    const flags = ['-gcflags=all=-N -l', '-ldflags=-s -w']
    const go = spawn('go', ['install', ...flags, module], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, CGO_ENABLED: '0', GOBIN: target },
    })
    let log = ''
    let modules = 0
    go.stderr.on('data', (chunk: Buffer) => {
      const text = chunk.toString()
      log = (log + text).slice(-4000)
      modules += text.match(/^go: downloading/gm)?.length ?? 0
    })
    const started = performance.now()
    const report = setInterval(() => {
      const seconds = Math.round((performance.now() - started) / 1000)
      progress(`  ${modules} modules downloaded, building after ${seconds} s`)
    }, REPORT_INTERVAL_MS)
    go.on('error', fail)
    go.on('close', (code) => {
      clearInterval(report)
      if (code === 0) return done()
      const lines = log.trimEnd().split('\n')
      const said = lines.filter((line) => !line.startsWith('go: downloading')).slice(-5)
      fail(
        new Error(
          `Go could not build ${module} (exit code ${code}): ${said.join(' ')} — check the network and ` +
            'that Go is 1.25 or later, or set S3_ENDPOINT to a server that runs already.',
        ),
      )
    })
  })
}
