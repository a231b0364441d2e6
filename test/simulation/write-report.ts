/** Writes RELIABILITY.md from a swarm: what was tried, how often, and what it found. */
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { FAULT_FAMILIES, type SeedOutcome } from '@millrace/simulation'
import { commit } from './commit.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'
import type { SwarmTally } from './swarm-tally.ts'

const REPORT = new URL('../../RELIABILITY.md', import.meta.url)
const SEEDS = new URL('./seeds.txt', import.meta.url)

export function writeReport(
  tally: SwarmTally,
  seconds: number,
  command: string,
  planted: ReadonlyMap<string, number>,
): void {
  const faults = [...tally.hits.values()].reduce((sum, hits) => sum + hits, 0)
  const count = (n: number): string => n.toLocaleString('en')
  const lines = [
    '# Reliability',
    '',
    'The whole cluster — JobManagers, TaskManagers, their slots, a Kafka cluster, a shared disk, an object store — runs in one thread on simulated time from one',
    'seed: the shipped code, byte for byte the same run for the same commit and seed. Each seed draws a job with its input, a cluster, and faults; after a phase',
    'with faults everything must come right without them in bounded time. This file is written by the command below.',
    '',
    `| | |`,
    `|---|---|`,
    `| command | \`${command}\` |`,
    `| commit | ${commit()} |`,
    `| seeds | ${count(tally.seeds)} |`,
    `| simulated hours | ${tally.simulatedHours.toFixed(1)} |`,
    `| events | ${count(tally.events)} |`,
    `| faults that struck | ${count(faults)} |`,
    `| seeds with violations | ${count(tally.failed.length)} |`,
    `| wall time | ${(seconds / 60).toFixed(1)} minutes on ${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version} |`,
    '',
    ...wrongSeeds(tally.failed),
    '## Faults, by class',
    '',
    '| family | class | struck |',
    '|---|---|---|',
    ...Object.entries(FAULT_FAMILIES).flatMap(([family, classes]) =>
      classes.map((name) => `| ${family} | ${name} | ${count(tally.hits.get(name) ?? 0)} |`),
    ),
    '',
    `Least often: ${leastOften(tally)}.`,
    '',
    '## Checkers',
    '',
    '| checker | comparisons |',
    '|---|---|',
    ...[...tally.checks].sort().map(([name, n]) => `| ${name} | ${count(n)} |`),
    '',
    '## Bugs on purpose',
    '',
    'Each is put into the source as it is loaded (`npm run simulate -- --plant NAME`), never into the shipped files. A test demands that each is found within 200',
    'seeds and that the honest code passes the same ones.',
    '',
    '| plant | breaks | found after |',
    '|---|---|---|',
    ...PLANTED_BUGS.map(({ name, breaks }) => {
      const found = planted.get(name)
      return `| ${name} | ${breaks} | ${found === undefined ? 'not tried in this run' : `${found} seeds`} |`
    }),
    '',
    '## Bugs that it found',
    '',
    'Seeds are kept in `test/simulation/seeds.txt` and run with every `npm test`.',
    '',
    ...readFileSync(SEEDS, 'utf8')
      .split('\n')
      .filter((line) => line.includes('#') && /^\d/.test(line))
      .map((line) => {
        const [seed, text] = line.split('#') as [string, string]
        return `- seed ${seed.trim()}: ${text.trim()}`
      }),
    '',
  ]
  writeFileSync(REPORT, lines.join('\n'))
}

/** A section of its own, when there are any. */
export function wrongSeeds(failed: readonly SeedOutcome[]): string[] {
  if (failed.length === 0) return []
  return [
    '## Wrong seeds',
    '',
    'Each is repeated by `npm run simulate -- --seed N` on the commit above, and made smaller with `--shrink`.',
    '',
    '| seed | checker | what it saw |',
    '|---|---|---|',
    ...[...failed]
      .sort((a, b) => a.seed - b.seed)
      .flatMap(({ seed, violations }) =>
        violations.map(({ checker, message }) => `| ${seed} | ${checker} | ${cell(message)} |`),
      ),
    '',
  ]
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

function leastOften(tally: SwarmTally): string {
  return tally
    .rarest(3)
    .map(({ name, hits }) => `${name} ${hits.toLocaleString('en')} times`)
    .join(', ')
}
