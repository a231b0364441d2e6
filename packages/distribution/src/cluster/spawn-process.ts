/**
 * JobManager and TaskManager processes as children of a composition root (npm start, cluster start,
 * benchmarks, chaos).
 *
 * Each child says `ready` over its IPC channel once it serves, or what keeps it from doing so; its
 * log goes to a file, whose end is shown when it dies without a word.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ErrorData, fromErrorData } from '@millrace/core'
import { clusterError } from '../error-codes.ts'
import { OUTLIVES_PARENT } from '../process/parent-process.ts'

export interface SpawnedProcess {
  readonly name: string
  readonly child: ChildProcess
  readonly pid: number
  readonly logFile: string
  /** What the process announced, e.g. `{ restAddress }`; rejects with PROCESS_START_FAILED. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>
  readonly exited: Promise<void>
}

export interface SpawnSettings {
  readonly role: 'jobmanager' | 'taskmanager'
  readonly name: string
  readonly properties: Readonly<Record<string, string>>
  readonly logFile: string
  /** True: goes on when this process ends. */
  readonly detached?: boolean
  readonly readyTimeoutMs?: number
}

/**
 * Compiled (and stripped) modules are kept between starts, for worker threads too: a slot starts in
 * a third of the time.
 */
export function compileCacheDirectory(): string {
  return (
    process.env.NODE_COMPILE_CACHE ??
    fileURLToPath(new URL('../../../../node_modules/.cache/millrace-compile', import.meta.url))
  )
}

/**
 * The main threads keep little that is young; slots have limits of their own. Flags that change
 * compiled code would make V8 refuse what the compile cache holds; these do not.
 */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1']
/**
 * A slot's heap may grow to 48 MB before it is first marked as a whole: with V8's own start value,
 * loading code and starting a job marks it three times, which costs more than it frees. A thread
 * that waits for a slot collects that once, for which it needs the other flag
 * (`releaseLoadingGarbage`).
 */
const TASKMANAGER_FLAGS = [...NODE_FLAGS, '--initial-old-space-size=48', '--expose-gc']

/**
 * The C library gives each of a process's threads a heap of its own, each with room that nobody
 * else uses; one for all takes 4 MB less, and what is allocated in a hurry is V8's, which has
 * heaps for that.
 */
const MALLOC_ARENA_MAX = '1'

/**
 * Tables of keyed state are large blocks of memory that rows reach all over the place. In huge
 * pages a look-up among millions of keys takes two thirds of the time, and the pages are there in a
 * quarter of it. The C library asks for them by `madvise`; where that is glibc and the kernel's
 * `transparent_hugepage/enabled` is `madvise`, the usual, nobody else would. Others ignore the
 * variable.
 */
const GLIBC_TUNABLES = 'glibc.malloc.hugetlb=1'

const READY_TIMEOUT_MS = 60_000

/** Starts one process of the cluster. */
export function spawnProcess(settings: SpawnSettings): SpawnedProcess {
  const main = fileURLToPath(new URL('../../bin/millrace.mjs', import.meta.url))
  const log = openSync(settings.logFile, 'a')
  const logStart = fstatSync(log).size
  const logKey = settings.role === 'taskmanager' ? 'taskmanager.log.path' : 'web.log.path'
  const properties = { [logKey]: settings.logFile, ...settings.properties }
  const args = Object.entries(properties).map(([key, value]) => `-D${key}=${value}`)
  const flags = settings.role === 'taskmanager' ? TASKMANAGER_FLAGS : NODE_FLAGS
  const child = spawn(process.execPath, [...flags, main, settings.role, ...args], {
    stdio: ['ignore', log, log, 'ipc'],
    // In a process group of its own: Ctrl-C reaches who started it alone, which stops its
    // processes in order.
    detached: true,
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: compileCacheDirectory(),
      MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? MALLOC_ARENA_MAX,
      ...(settings.role === 'taskmanager'
        ? { GLIBC_TUNABLES: process.env.GLIBC_TUNABLES ?? GLIBC_TUNABLES }
        : {}),
      [OUTLIVES_PARENT]: settings.detached === true ? '1' : '0',
    },
  })
  closeSync(log)
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return {
    name: settings.name,
    child,
    pid: child.pid ?? -1,
    logFile: settings.logFile,
    ready: awaitReady(child, settings, logStart),
    exited,
  }
}

function awaitReady(
  child: ChildProcess,
  settings: SpawnSettings,
  logStart: number,
): Promise<Record<string, unknown>> {
  const timeoutMs = settings.readyTimeoutMs ?? READY_TIMEOUT_MS
  const ready = new Promise<Record<string, unknown>>((resolve, reject) => {
    const fail = (what: string, cause?: ErrorData) =>
      reject(
        clusterError('PROCESS_START_FAILED', `Start ${settings.name}: it ${what}.`, {
          location: { file: settings.logFile },
          ...(cause === undefined
            ? { hint: `The end of its log:\n${logTail(settings.logFile, logStart)}` }
            : { cause: fromErrorData(cause) }),
        }),
      )
    const timer = setTimeout(() => fail(`was not ready after ${timeoutMs / 1000} s`), timeoutMs)
    child.once('message', (message) => {
      clearTimeout(timer)
      const { failure } = message as { readonly failure?: ErrorData }
      if (failure === undefined) resolve(message as Record<string, unknown>)
      else fail('could not serve', failure)
    })
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      fail(`ended with ${signal ?? `exit code ${code}`}`)
    })
    child.once('error', (error) => {
      clearTimeout(timer)
      fail(`could not be run (${error.message})`)
    })
  })
  ready.catch(() => {})
  return ready
}

/**
 * The last lines of a log file, of what was written from the byte `from` on: logs go on
 * over restarts.
 */
export function logTail(file: string, from = 0, lines = 15): string {
  try {
    const text = readFileSync(file).subarray(from).toString('utf8').trimEnd()
    return text === '' ? '(nothing)' : text.split('\n').slice(-lines).join('\n')
  } catch {
    return '(no log)'
  }
}

/** Ends a process: SIGTERM, and SIGKILL when it has not gone within `graceMs`. */
export async function stopProcess(spawned: SpawnedProcess, graceMs = 5000): Promise<void> {
  if (spawned.child.exitCode !== null || spawned.child.signalCode !== null) return
  spawned.child.kill('SIGTERM')
  const timer = setTimeout(() => spawned.child.kill('SIGKILL'), graceMs)
  await spawned.exited
  clearTimeout(timer)
}
