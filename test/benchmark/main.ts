/** `npm run bench -- NAME`: benchmarks as commands. They print figures and ratios and never decide a test. */
const BENCHMARKS = ['sensor', 'startup']

const name = process.argv[2]
if (name === undefined || !BENCHMARKS.includes(name)) {
  process.stderr.write(`Usage: npm run bench -- ${BENCHMARKS.join(' | ')} [options]\n`)
  process.exitCode = 1
} else {
  process.argv.splice(2, 1)
  await import(`./${name}.ts`)
}
