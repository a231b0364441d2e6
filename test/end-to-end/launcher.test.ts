/**
 * The process that an old Node starts in its place: it ends with its launcher, even when that is
 * killed and can pass nothing on.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { until } from '../support/until.ts'

const BIN = join(import.meta.dirname, '../../packages/distribution/bin')
const launched: { launcher: ChildProcess; pid: number }[] = []

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

after(() => {
  for (const { launcher, pid } of launched) {
    launcher.kill('SIGKILL')
    if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  }
})

/**
 * A launcher and the id of the process that runs the command for it; resolves at a line of its log.
 */
async function launch(line: RegExp | null, ...command: string[]) {
  const source = `
    import { handOver } from '${pathToFileURL(join(BIN, 'pinned-node.mjs')).href}'
    const child = handOver(process.execPath, ${JSON.stringify([join(BIN, 'millrace.mjs'), ...command])})
    console.log('launched ' + child.pid)`
  const launcher = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let pid = 0
  await new Promise<void>((resolve) => {
    const read = (text: string) => {
      pid = Number(/^launched (\d+)$/.exec(text)?.[1] ?? pid)
      if (pid > 0 && (line ?? /./).test(text)) resolve()
    }
    createInterface(launcher.stdout).on('line', read)
    createInterface(launcher.stderr).on('line', read)
  })
  launched.push({ launcher, pid })
  return launched.at(-1) as (typeof launched)[number]
}

it('A TaskManager whose launcher is killed ends by itself', async () => {
  const { launcher, pid } = await launch(
    /Waiting for the JobManager/,
    'taskmanager',
    ...['-D', 'taskmanager.rpc.port=0', '-D', 'metrics.reporter.prom.port=0'],
    ...['-D', 'jobmanager.rpc.address=127.0.0.1', '-D', 'jobmanager.rpc.port=1'],
  )
  assert.ok(isAlive(pid))
  launcher.kill('SIGKILL')
  await until('the TaskManager has ended', async () => !isAlive(pid))
})

it('A process whose launcher is killed before it has read its first line ends too', async () => {
  const { launcher, pid } = await launch(null, 'taskmanager', '-D', 'taskmanager.rpc.port=0')
  launcher.kill('SIGKILL')
  await until('the process has ended', async () => !isAlive(pid))
})

it('A command that has nothing left to do ends, and its exit code is its launcher’s', async () => {
  const { launcher } = await launch(/^Millrace /, '--version')
  assert.equal(await new Promise((resolve) => launcher.once('exit', resolve)), 0)
  const { launcher: refused } = await launch(null, 'no-such-command')
  assert.equal(await new Promise((resolve) => refused.once('exit', resolve)), 1)
})
