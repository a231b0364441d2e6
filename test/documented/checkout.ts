/**
 * A clone as a reader has it: the repository's files in a directory of their own, commands typed
 * into a shell there with the system's Node.
 *
 * `check` runs after the last test of the file: every command of the stage was typed.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../support/until.ts'
import { COMMANDS, commandsOf, type Stage } from './commands.ts'
import { ROOT } from './extract.ts'

export interface Typed {
  /** Standard output and errors so far. */
  output(): string
  /** Resolves with the output once it matches; rejects when the command ends before. */
  shows(pattern: RegExp): Promise<string>
  /** Writes to its standard input. */
  write(text: string): void
  /** The end of its standard input. */
  end(): void
  /** Ctrl-C, or how a shell ends what runs in it. */
  signal(name: 'SIGINT' | 'SIGTERM'): void
  readonly exitCode: Promise<number | null>
}

export interface Checkout {
  readonly directory: string
  /** Types a documented command; `replace`: what of the page is the test's own. */
  type(command: string, replace?: Readonly<Record<string, string>>): Typed
  /** To its end, which must be with exit code 0; the output. */
  run(command: string, replace?: Readonly<Record<string, string>>): Promise<string>
  /** Ends what still runs, and fails when a command of the stage was not typed. */
  check(): Promise<void>
}

/**
 * `properties`: what keeps its cluster apart from others on this machine, as a reader would by
 * MILLRACE_PROPERTIES.
 */
export function openCheckout(
  stage: Stage,
  properties: Readonly<Record<string, string>> = {},
): Checkout {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-documented-'))
  for (const name of readdirSync(ROOT)) {
    if (!name.startsWith('.')) symlinkSync(join(ROOT, name), join(directory, name))
  }
  const open = new Set(commandsOf(stage))
  const running = new Set<Typed>()
  /** Lines that set a variable hold for what is typed later. */
  let assignments = ''
  const type: Checkout['type'] = (command, replace = {}) => {
    const plan = COMMANDS[command]
    assert.ok(plan !== undefined && 'stage' in plan && plan.stage === stage, command)
    open.delete(command)
    let text = command
    if (plan.shorter !== undefined) text = shorten(command, plan.shorter)
    for (const [from, to] of Object.entries(replace)) {
      assert.ok(text.includes(from), `'${text}' has '${from}'`)
      text = text.replaceAll(from, to)
    }
    if (/^[A-Z]+=/.test(text)) assignments += `${text}\n`
    const typed = typeInto(directory, `${assignments}${text}`, properties)
    running.add(typed)
    void typed.exitCode.then(() => running.delete(typed))
    return typed
  }
  return {
    directory,
    type,
    async run(command, replace) {
      const typed = type(command, replace)
      assert.equal(await typed.exitCode, 0, `${command}:\n${typed.output()}`)
      return typed.output()
    },
    async check() {
      const ends = [...running].map((typed) => {
        typed.signal('SIGTERM')
        return typed.exitCode
      })
      await Promise.all(ends)
      rmSync(directory, { recursive: true, force: true })
      assert.deepEqual([...open], [], 'documented, and not run')
    },
  }
}

/** The options of the page give way to those that make the run short. */
function shorten(command: string, options: string): string {
  const flags = command.indexOf(' --', command.indexOf(' -- ') + 3)
  if (flags >= 0) return `${command.slice(0, flags)} ${options}`
  return `${command} ${options}`
}

function typeInto(
  directory: string,
  text: string,
  properties: Readonly<Record<string, string>>,
): Typed {
  const given = Object.entries(process.env).filter(
    ([name]) => !/^npm_|^NODE_|^INIT_CWD$/.test(name),
  )
  // `npm test` puts the pinned Node first; a reader's shell has the system's.
  const path = (process.env.PATH ?? '').split(':').filter((part) => !/node_modules/.test(part))
  const shell = spawn('bash', ['-c', text], {
    cwd: directory,
    // A group of its own, as a terminal makes one: Ctrl-C reaches all of it.
    detached: true,
    env: {
      ...Object.fromEntries(given),
      PATH: path.join(':'),
      MILLRACE_PROPERTIES: Object.entries(properties)
        .map(([key, value]) => `${key}: ${value}`)
        .join('\n'),
    },
  })
  let output = ''
  const take = (chunk: Buffer) => {
    output += chunk.toString()
  }
  shell.stdout.on('data', take)
  shell.stderr.on('data', take)
  let ended = false
  const exitCode = new Promise<number | null>((resolve) => shell.once('close', resolve))
  void exitCode.then(() => {
    ended = true
  })
  return {
    output: () => output,
    exitCode,
    shows: async (pattern) => {
      const what = () => `'${text}' shows ${pattern}:\n${output}`
      await until(what, () => {
        if (pattern.test(output)) return true
        assert.ok(!ended, `'${text}' ended without ${pattern}:\n${output}`)
        return false
      })
      return output
    },
    write: (more) => void shell.stdin.write(more),
    end: () => void shell.stdin.end(),
    signal: (name) => {
      if (!ended) process.kill(-(shell.pid as number), name)
    },
  }
}
