// Finds the Node that the lock file pins (a platform package from the registry) and runs an entry with it. Plain JavaScript that
// an old system Node can run; when this process already is new enough, the entry is loaded right here.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import nodeModule from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

/** What Millrace can run on; where there is no package for the machine, the system's Node has to be one. */
const NODE_MAJOR_MIN = 24
/** Of the package that the lock file names: what Millrace is measured on. */
const NODE_MAJOR_PINNED = 26

const major = Number(process.versions.node.split('.')[0])

export const ROOT = new URL('../../../', import.meta.url)

/** Path of the Node to run: the pinned one before an older one of the system; null when neither will do. */
function nodeToRun() {
  const local = fileURLToPath(new URL('node_modules/.bin/node', ROOT))
  // Resolved as `process.execPath` is: a clone that was installed for an older pin must not start itself for ever.
  if (major < NODE_MAJOR_PINNED && existsSync(local)) return realpathSync(local)
  return major >= NODE_MAJOR_MIN ? process.execPath : null
}

/** Set in a process that `handOver` starts: it ends when its launcher is gone, however that went. */
const LAUNCHED = 'MILLRACE_LAUNCHED'

/** Runs the command line with another Node; signals and the end are passed on. */
export function handOver(node, commandLine) {
  const child = spawn(node, commandLine, {
    // The channel carries nothing: it closes with this process, even when that is killed.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [LAUNCHED]: '1' },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 15)))
  return child
}

function endWithLauncher() {
  if (process.env[LAUNCHED] !== '1') return
  // Not for processes that this one starts.
  delete process.env[LAUNCHED]
  const end = () => process.kill(process.pid, 'SIGTERM')
  if (!process.connected) {
    end()
    return
  }
  process.once('disconnect', end)
  // It keeps nobody running who has nothing left to do.
  process.channel.unref()
}

/** Runs `entry` with this process's arguments. */
export async function runWithPinnedNode(entry) {
  const node = nodeToRun()
  if (node === process.execPath) {
    endWithLauncher()
    // Worker threads and child processes read the variable; this process needs the call.
    process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
      new URL('node_modules/.cache/millrace-compile', ROOT),
    )
    nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE)
    const { resolveOwnModules } = await import('../src/process/resolve-own-modules.ts')
    resolveOwnModules()
    process.argv[1] = fileURLToPath(entry)
    await import(entry.href)
    return
  }
  if (node === null) {
    console.error(
      `Millrace needs Node ${NODE_MAJOR_MIN} or later; this is ${process.versions.node} and no pinned one is installed.\n` +
        'Run npm install in the repository, or install a newer Node.',
    )
    process.exit(1)
  }
  handOver(node, process.argv.slice(1))
}
