/** The real terminal of a command: standard streams, line editing with history kept in a file. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { LineReader, Terminal } from '@millrace/cli'

export const nodeTerminal: Terminal = {
  write: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  get interactive() {
    return process.stdout.isTTY === true && process.env.NO_COLOR === undefined
  },
  get columns() {
    return process.stdout.columns ?? 100
  },
  get rows() {
    return process.stdout.rows ?? 40
  },
}

/** What shells show of a program that wrote into a closed pipe. */
const EXIT_OUTPUT_GONE = 141

let outputGone: () => void = () => process.exit(EXIT_OUTPUT_GONE)
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => outputGone())

/**
 * What happens when nobody reads the output any more (`| head`, a closed terminal); by default the process ends.
 * Later writes go nowhere.
 */
export function onOutputGone(action: () => void): void {
  outputGone = action
}

const HISTORY_LINES_MAX = 1000

/** The part of the line that a candidate replaces: what an open quote holds (an option's key), else the last word. */
function wordToComplete(line: string): string {
  const quoted = line.split("'")
  if (quoted.length % 2 === 0) return quoted.at(-1) as string
  return /[\p{L}\p{N}_$]*$/u.exec(line)?.[0] ?? ''
}

/** Lines from standard input; history in `file` (default `~/.millrace-history`). */
export function nodeLineReader(file: string | undefined, onInterrupt: () => void): LineReader {
  const path = file ?? join(homedir(), '.millrace-history')
  const history = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
  let complete: (line: string) => Promise<readonly string[]> = async () => []
  const readline = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: process.stdin.isTTY === true,
    history,
    historySize: HISTORY_LINES_MAX,
    completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
      const word = wordToComplete(line)
      complete(line).then(
        (candidates) => done(null, [[...candidates], word]),
        () => done(null, [[], word]),
      )
    },
  })
  let latestHistory: readonly string[] = history
  readline.on('history', (lines: string[]) => {
    latestHistory = lines
  })
  const queued: (string | null)[] = []
  let waiting: ((line: string | null | 'interrupt') => void) | null = null
  const deliver = (line: string | null | 'interrupt'): void => {
    const reader = waiting
    waiting = null
    if (reader !== null) reader(line)
    else if (line !== 'interrupt') queued.push(line)
    else onInterrupt()
  }
  readline.on('line', deliver)
  readline.on('close', () => deliver(null))
  readline.on('SIGINT', () => {
    if (waiting !== null) {
      process.stdout.write('^C\n')
      // The half-typed line is given up with the statement.
      Object.assign(readline, { line: '', cursor: 0 })
    }
    deliver('interrupt')
  })
  return {
    completeWith(candidates) {
      complete = candidates
    },
    readLine(prompt) {
      const next = queued.shift()
      if (next !== undefined) return Promise.resolve(next)
      if (process.stdin.isTTY === true) {
        readline.setPrompt(prompt)
        readline.prompt()
      }
      return new Promise((resolve) => {
        waiting = resolve
      })
    },
    close() {
      readline.close()
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, [...latestHistory].slice(0, HISTORY_LINES_MAX).join('\n'), {
        mode: 0o600,
      })
    },
  }
}
