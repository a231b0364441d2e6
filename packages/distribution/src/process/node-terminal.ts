/** The real terminal of a command: standard streams, line editing with history kept in a file. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { type LineReader, StatementHistory, type Terminal } from '@millrace/cli'

export const nodeTerminal: Terminal = {
  write: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  get interactive() {
    return process.stdout.isTTY === true && process.env.NO_COLOR === undefined
  },
  get columns() {
    // 0 in terminals that do not know their size.
    return process.stdout.columns || 100
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
 * What happens when nobody reads the output any more (`| head`, a closed terminal); by default the
 * process ends. Later writes go nowhere.
 */
export function onOutputGone(action: () => void): void {
  outputGone = action
}

/**
 * The part of the line that a candidate replaces: what an open quote holds (an option's key), else
 * the last word.
 */
function wordToComplete(line: string): string {
  const quoted = line.split("'")
  if (quoted.length % 2 === 0) return quoted.at(-1) as string
  return /[\p{L}\p{N}_$]*$/u.exec(line)?.[0] ?? ''
}

/** Entries of one session, at most. */
const HISTORY_ROOM = 1000

/** Where lines come from: standard input, or streams that stand for a person's terminal. */
interface LineStreams {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
  readonly isTerminal: boolean
}

/** Lines from standard input; history in `file` (default `~/.millrace-history`). */
export function nodeLineReader(
  file: string | undefined,
  onInterrupt: () => void,
  streams: LineStreams = {
    input: process.stdin,
    output: process.stdout,
    isTerminal: process.stdin.isTTY === true,
  },
): LineReader {
  const path = file ?? join(homedir(), '.millrace-history')
  const history = new StatementHistory(existsSync(path) ? readFileSync(path, 'utf8') : '')
  let complete: (line: string) => Promise<readonly string[]> = async () => []
  const readline = createInterface({
    input: streams.input,
    output: streams.output,
    terminal: streams.isTerminal,
    history: [...history.entries],
    historySize: history.entries.length + HISTORY_ROOM,
    completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
      const word = wordToComplete(line)
      complete(line).then(
        (candidates) => done(null, [[...candidates], word]),
        () => done(null, [[], word]),
      )
    },
  })
  let shown: string[] = []
  // The line editor adds each line by itself; what it gives back are whole statements.
  const showHistory = (): void => void shown.splice(0, shown.length, ...history.entries)
  readline.on('history', (lines: string[]) => {
    shown = lines
    showHistory()
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
  // A statement of several lines that was given back comes at once.
  readline.on('line', (line) => deliver(line.replaceAll('\r', '\n')))
  readline.on('close', () => deliver(null))
  readline.on('SIGINT', () => {
    if (waiting !== null) {
      streams.output.write('^C\n')
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
      if (streams.isTerminal) {
        readline.setPrompt(prompt)
        readline.prompt()
      }
      return new Promise((resolve) => {
        waiting = resolve
      })
    },
    remember(statement) {
      history.add(statement)
      showHistory()
    },
    close() {
      readline.close()
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, history.text(), { mode: 0o600 })
    },
  }
}
