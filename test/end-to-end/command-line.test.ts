/** What commands say of themselves, and what they refuse before they start anything. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { freePort } from '../../packages/distribution/src/cluster/free-port.ts'
import { assertPresentable, millrace } from './bad-input-fixture.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-command-line-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const run = (...args: string[]) => millrace(args, { cwd: directory })

/** Answers every request with 200, the text and its server's name. */
async function otherServer(text: string): Promise<number> {
  const server = createHttpServer((_, response) => {
    response.setHeader('server', 'another')
    response.end(text)
  })
  after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

describe('help', () => {
  it('lists every command, and each says what it takes', async () => {
    const { stdout } = await run('help')
    const names = [...stdout.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name]) => name as string)
    const commands = [...new Set(names)]
    assert.equal(commands.length, 17, stdout)
    const texts = await Promise.all(commands.map((name) => run(name, '--help')))
    for (const [index, { code, stdout: text, stderr }] of texts.entries()) {
      assert.equal(code, 0, `${commands[index]}: ${stderr}`)
      assert.match(text, new RegExp(`^Usage: (millrace|npm run) ${commands[index]}\\b`))
      assert.match(text, /\n {2}-h, --help +this text\n/)
    }
    assert.equal((await run('help', 'list')).stdout, (await run('list', '-h')).stdout)
    assert.match((await run('sql-client', 'gateway', '--help')).stdout, /--endpoint HOST:PORT/)
  })

  it('takes -D before a command as after it', async () => {
    const at = ['-D', `rest.port=${await freePort()}`]
    const [before, behind] = [await run(...at, 'list'), await run('list', ...at)]
    assert.match(before.stderr, /^\[REST_UNREACHABLE\] No JobManager answers at /)
    assert.deepEqual(before, behind)
  })

  it('warns of an unknown -D key with the nearest one, whichever command has it', async () => {
    const port = `rest.port=${await freePort()}`
    const warning =
      /^Warning: Unknown configuration key 'rest\.adress'; did you mean 'rest\.address'\?\n/
    const id = '0'.repeat(32)
    for (const command of [['list'], ['cancel', id], ['savepoint', id], ['rescale', id, '2']]) {
      const { stderr } = await run(...command, '-D', port, '-D', 'rest.adress=localhost')
      assert.match(stderr, warning, command[0])
      assert.equal(stderr.match(/Unknown configuration key/g)?.length, 1)
    }
  })

  it('--version names Millrace and its Node', async () => {
    const { code, stdout } = await run('--version')
    assert.equal(code, 0)
    assert.match(stdout, /^Millrace \d+\.\d+\.\d+, on Node \d+\.\d+\.\d+\n$/)
  })
})

describe('a typing error', () => {
  const cases: [string, ...string[]][] = [
    ["Unknown command 'lst'; did you mean 'list'?", 'lst'],
    ["Unknown cluster command 'strat'; did you mean 'start'?", 'cluster', 'strat'],
    ['Unknown option --al; did you mean --all?', 'list', '--al'],
    ["Unknown argument 'running'.", 'list', 'job', 'running'],
    ['Unknown option --prot; did you mean --port?', 'kafka', '--prot', '9'],
    ['Unknown option --seds; did you mean --seeds?', 'simulate', '--seds', '9'],
  ]
  for (const [message, ...args] of cases) {
    it(`${args.join(' ')}: the nearest name, and exit code 1`, async () => {
      const outcome = await run(...args)
      assert.equal(outcome.code, 1)
      assert.ok(outcome.stderr.startsWith(`[ARGUMENT_UNKNOWN] ${message}`), outcome.stderr)
      assertPresentable(outcome)
    })
  }
})

describe('another server at the address', () => {
  it('is named with what was expected of it', async () => {
    const port = await otherServer('{"status":"ok"}')
    for (const args of [['list'], ['sql-client', '-e', 'SHOW JOBS']]) {
      const outcome = await run(...args, '-D', `rest.port=${port}`)
      assert.equal(outcome.code, 1)
      assert.match(
        outcome.stderr,
        /^\[REST_ANSWER_UNEXPECTED\] .* Expected JSON with 'jobs'; found HTTP 200 from another: /,
      )
      assertPresentable(outcome)
    }
  })
})

describe('cluster start', () => {
  const cases: [setting: string, code: string, message: RegExp][] = [
    [
      'execution.checkpointing.interval=soon',
      'CONFIG_VALUE_INVALID',
      /to a duration; it is 'soon'/,
    ],
    ['execution.checkpointing.dir=/proc/x', 'CHECKPOINT_DIRECTORY_UNUSABLE', /\/proc\/x/],
    ['state.checkpoints.dir=s4://x/y', 'CHECKPOINT_DIRECTORY_UNSUPPORTED', /'s4:\/\/x\/y'/],
    ['taskmanager.numberOfTaskSlots=0', 'CONFIG_VALUE_INVALID', /of 1 or more; it is '0'/],
  ]
  for (const [setting, code, message] of cases) {
    it(`refuses ${setting} before it starts a process`, async () => {
      const outcome = await run('cluster', 'start', '-D', setting)
      assert.equal(outcome.code, 1)
      assert.ok(outcome.stderr.startsWith(`[${code}] `), outcome.stderr)
      assert.match(outcome.stderr, message)
      assert.equal(outcome.stdout, '')
      assertPresentable(outcome)
      assert.match((await run('cluster', 'stop')).stderr, /^\[CLUSTER_NOT_RUNNING\]/)
    })
  }

  it('shows why a process could not serve, and leaves none running', async () => {
    const port = await otherServer('')
    const rest = ['-D', `rest.port=${port}`, '-D', `jobmanager.rpc.port=${await freePort()}`]
    const outcome = await run('cluster', 'start', ...rest)
    assert.equal(outcome.code, 1)
    assert.match(
      outcome.stderr,
      /^\[PROCESS_START_FAILED\] Start JobManager: it could not serve\.\n/,
    )
    assert.match(
      outcome.stderr,
      /caused by \[REST_PORT_UNAVAILABLE\] .*\n(.*\n)* {2}hint: .*free port/,
    )
    assert.doesNotMatch(outcome.stderr, /"level":/)
    assert.match((await run('cluster', 'stop')).stderr, /^\[CLUSTER_NOT_RUNNING\]/)
  })
})
