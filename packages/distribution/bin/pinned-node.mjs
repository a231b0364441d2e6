// Finds the Node that the lock file pins (a platform package from the registry) and runs an entry with it. Plain JavaScript that
// an old system Node can run; when this process already is new enough, the entry is loaded right here.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import nodeModule from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR = 24

export const ROOT = new URL('../../../', import.meta.url)

/** Path of a Node >= 24, or null. */
export function pinnedNode() {
  const local = fileURLToPath(new URL('node_modules/.bin/node', ROOT))
  if (existsSync(local)) return local
  return Number(process.versions.node.split('.')[0]) >= NODE_MAJOR ? process.execPath : null
}

/** Runs `entry` with this process's arguments. */
export async function runWithPinnedNode(entry) {
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) {
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
  const node = pinnedNode()
  if (node === null) {
    console.error(
      `Millrace needs Node ${NODE_MAJOR} or later; this is ${process.versions.node} and no pinned one is installed.\n` +
        'Run npm install in the repository, or install a newer Node.',
    )
    process.exit(1)
  }
  const child = spawn(node, [process.argv[1], ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 15)))
}
