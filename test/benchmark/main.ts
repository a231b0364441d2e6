/**
 * `npm run bench -- NAME`: benchmarks as commands. They print figures and ratios and never
 * decide a test.
 */
import { cliError, renderError, renderHelp, requireKnown } from '@millrace/cli'
import { toErrorData } from '@millrace/core'

const BENCHMARKS = ['sensor', 'startup', 'groups', 'state']
const HELP = renderHelp({
  name: 'npm run bench --',
  operands: BENCHMARKS.join(' | '),
  summary:
    'Benchmarks, side by side with what they compare; `npm run bench -- sensor --help` says more of each.',
  options: [],
  properties: false,
})

const name = process.argv[2]
try {
  if (name === undefined) throw cliError('ARGUMENT_INVALID', 'Name a benchmark.', { hint: HELP })
  if (name !== '--help' && name !== '-h') {
    requireKnown('benchmark', name, BENCHMARKS, `There are: ${BENCHMARKS.join(', ')}.`)
  }
} catch (error) {
  process.stderr.write(`${renderError(toErrorData(error))}\n`)
  process.exit(1)
}
if (name === '--help' || name === '-h') {
  process.stdout.write(HELP)
} else {
  process.argv.splice(2, 1)
  await import(`./${name}.ts`)
}
