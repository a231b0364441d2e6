/**
 * What the bad-input tests share: a cluster of real processes, the SQL client as a child process,
 * and one check that an error is the same everywhere a person can meet it.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { renderError } from '@millrace/cli'
import { describeLocation, type ErrorData } from '@millrace/core'
import { RestClient } from '@millrace/rest-api'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'

const MILLRACE = join(import.meta.dirname, '../../packages/distribution/bin/millrace.mjs')

export interface CommandOutcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `millrace ARGS`, to its end. */
export function millrace(
  args: readonly string[],
  settings: { readonly input?: string; readonly cwd?: string } = {},
): Promise<CommandOutcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MILLRACE, ...args], { cwd: settings.cwd })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    child.stdin.end(settings.input ?? '')
  })
}

export interface FailedJob {
  readonly jobId: string
  readonly error: ErrorData
  readonly outcome: CommandOutcome
}

export interface BadInputFixture {
  readonly directory: string
  readonly cluster: LocalCluster
  readonly rest: RestClient
  /** A path below the fixture's directory. */
  path(name: string): string
  /** Writes the lines to a file of that name below `folder`; the folder's path. */
  input(folder: string, lines: readonly string[]): string
  sql(script: string, more?: readonly string[]): Promise<CommandOutcome>
  /** Runs a script whose last job fails, and checks that every place shows the same error. */
  failingJob(script: string): Promise<FailedJob>
  /** Runs a script whose last statement is refused: no job is made of it; client and log say why. */
  refused(script: string): Promise<CommandOutcome & { readonly code: 1 }>
  log(name?: string): string
}

/** Ended after the last test of the file. */
export async function startBadInput(
  properties: Readonly<Record<string, string>> = {},
): Promise<BadInputFixture> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bad-input-'))
  const cluster = await LocalCluster.start({
    directory: join(directory, 'cluster'),
    taskManagers: 1,
    slotsPerTaskManager: 2,
    properties: { 'slot.request.timeout': '10 s', ...properties },
  })
  after(async () => {
    await cluster.stop()
    rmSync(directory, { recursive: true, force: true })
  })
  await cluster.ready()
  const rest = new RestClient(cluster.restAddress, fetch)
  const restPort = new URL(cluster.restAddress).port
  const fixture: BadInputFixture = {
    directory,
    cluster,
    rest,
    path: (name) => join(directory, name),
    input(folder, lines) {
      mkdirSync(join(directory, folder), { recursive: true })
      writeFileSync(join(directory, folder, 'part-0.json'), lines.map((l) => `${l}\n`).join(''))
      return join(directory, folder)
    },
    sql: (script, more = []) =>
      millrace(['sql-client', 'embedded', '-e', script, '-D', `rest.port=${restPort}`, ...more]),
    async failingJob(script) {
      const before = new Set((await rest.jobsOverview()).jobs.map(({ jid }) => jid))
      const outcome = await fixture.sql(script)
      const all = `${outcome.stdout}\n${outcome.stderr}`
      const { jobs } = await rest.jobsOverview()
      const started = jobs.filter(({ jid }) => !before.has(jid))
      const jobId = started.at(-1)?.jid
      assert.ok(jobId !== undefined, `a job was submitted:\n${all}`)
      return { jobId, outcome, error: await assertSameEverywhere(fixture, jobId, outcome) }
    },
    async refused(script) {
      const before = (await rest.jobsOverview()).jobs.length
      const outcome = await fixture.sql(script)
      assert.equal((await rest.jobsOverview()).jobs.length, before, 'no job was submitted')
      assert.equal(outcome.code, 1, outcome.stdout)
      const shown = /^\[([A-Z_]+)\] (.*)$/m.exec(outcome.stderr)
      assert.ok(shown !== null && / {2}hint: \S/.test(outcome.stderr), outcome.stderr)
      for (const part of shown.slice(1)) assert.ok(fixture.log().includes(part), part)
      assertPresentable(outcome)
      return { ...outcome, code: 1 }
    },
    log: (name = 'jobmanager') => readFileSync(join(directory, 'cluster', `${name}.log`), 'utf8'),
  }
  return fixture
}

/**
 * The error that ended the job, after it was found in client, REST and log with code, message,
 * place and hint.
 */
async function assertSameEverywhere(
  fixture: BadInputFixture,
  jobId: string,
  outcome: CommandOutcome,
): Promise<ErrorData> {
  const detail = await fixture.rest.jobDetail(jobId)
  const error = detail['failure-cause']
  assert.ok(error !== null, `job ${jobId} has failed; it is ${detail.state}: ${outcome.stderr}`)
  assert.equal(outcome.code, 1)
  assert.equal(detail['status-reason'], error.message)
  const place = describeLocation(error.location)
  const hint = error.hint ?? error.cause?.hint
  assert.ok(hint !== undefined, `[${error.code}] says what to do: ${outcome.stderr}`)
  const shown = {
    client: outcome.stderr,
    exceptions: (await fixture.rest.jobExceptions(jobId))['root-exception'] ?? '',
    log: fixture.log(),
  }
  for (const [where, text] of Object.entries(shown)) {
    const parts: readonly string[] = [error.code, error.message, place, hint]
    for (const part of parts) {
      assert.ok(text.includes(part), `${where} shows '${part}':\n${text.slice(-3000)}`)
    }
  }
  assert.ok(outcome.stderr.includes(renderError(error)), outcome.stderr)
  assertPresentable(outcome)
  return error
}

/** No stack trace, no nameless error as the head line, no escape sequences in a pipe. */
export function assertPresentable({ stdout, stderr }: CommandOutcome): void {
  const text = stdout + stderr
  assert.doesNotMatch(text, /^\s+at .*\.(ts|js|mjs):\d+/m)
  assert.doesNotMatch(text, /node:internal|\[object Object\]|\bundefined\b|INTERNAL_ERROR/)
  assert.ok(!text.includes('\u001b'))
}

export const DATAGEN = `CREATE TABLE numbers (a INT, b STRING) WITH ('connector' = 'datagen', 'rows-per-second' = '200');`
/** Waits for the job, and fails it at the first failure. */
export const ONCE = `SET 'restart-strategy.type' = 'none'; SET 'table.dml-sync' = 'true';`
