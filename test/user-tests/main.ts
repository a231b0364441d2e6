/**
 * `millrace test FILE…`: tests of one's own jobs (docs/testing-your-job.md) under Node's test
 * runner, by the Node that Millrace runs on, whatever the system's is.
 *
 * A test may lie anywhere: `@millrace/…` is found here when there is none beside it.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { cliError, renderError, renderHelp } from '@millrace/cli'
import { toErrorData } from '@millrace/core'

const HELP = renderHelp({
  name: 'millrace test',
  operands: 'FILE…',
  summary:
    "Runs tests of your own jobs with Node's test runner; its options (--test-name-pattern=…, --watch, --test-reporter=…) are " +
    'passed on. docs/testing-your-job.md shows such a test.',
  options: [],
  properties: false,
  examples: ['millrace test readings.test.ts'],
})

const args = process.argv.slice(2)
const files = args.filter((arg) => !arg.startsWith('-'))
const missing = files.find((file) => !/[*?]/.test(file) && !existsSync(file))
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(HELP)
} else if (files.length === 0 || missing !== undefined) {
  const message = missing === undefined ? 'Name a file with tests.' : `There is no file ${missing}.`
  const error = cliError('ARGUMENT_INVALID', message, {
    hint: 'Write: millrace test readings.test.ts',
  })
  process.stderr.write(`${renderError(toErrorData(error))}\n`)
  process.exitCode = 1
} else {
  const findMillrace = new URL('./find-millrace.ts', import.meta.url).href
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', `--import=${findMillrace}`, '--test', ...args],
    { stdio: 'inherit' },
  )
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal))
  }
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + constants.signals[signal as NodeJS.Signals])
  })
}
