/**
 * What a swarm has seen: counts by fault class and checker, simulated time, and the
 * seeds that failed.
 */
import { FAULT_CLASSES, type FaultClass, type SeedOutcome } from '@millrace/simulation'

export class SwarmTally {
  seeds = 0
  events = 0
  simulatedMs = 0
  readonly hits = new Map<FaultClass, number>()
  /** How often each checker compared something. */
  readonly checks = new Map<string, number>()
  readonly shapes = new Map<string, number>()
  readonly failed: SeedOutcome[] = []
  readonly #options: string

  /** `options`: further ones that a run needs to be the same. */
  constructor(options = '') {
    this.#options = options
  }

  add(outcome: SeedOutcome): this {
    this.seeds++
    this.events += outcome.events
    this.simulatedMs += outcome.simulatedMs
    for (const [name, count] of Object.entries(outcome.hits)) {
      this.hits.set(name as FaultClass, (this.hits.get(name as FaultClass) ?? 0) + count)
    }
    for (const [name, count] of Object.entries(outcome.checks)) {
      this.checks.set(name, (this.checks.get(name) ?? 0) + count)
    }
    for (const shape of outcome.shape) this.shapes.set(shape, (this.shapes.get(shape) ?? 0) + 1)
    if (outcome.violations.length > 0) this.failed.push(outcome)
    return this
  }

  /** Classes that struck least often. */
  rarest(count: number): { readonly name: FaultClass; readonly hits: number }[] {
    return FAULT_CLASSES.map((name) => ({ name, hits: this.hits.get(name) ?? 0 }))
      .sort((a, b) => a.hits - b.hits)
      .slice(0, count)
  }

  get simulatedHours(): number {
    return this.simulatedMs / 3_600_000
  }

  /** One run; `which` it was, when not all of its seed. */
  describe(outcome: SeedOutcome, which = `--seed ${outcome.seed}${this.#options}`): string {
    const lines = [
      `seed ${outcome.seed}: ${outcome.violations.length === 0 ? 'right' : 'WRONG'}, ${outcome.events} events, ` +
        `${(outcome.simulatedMs / 1000).toFixed(1)} simulated seconds, log ${outcome.digest}`,
      `  ${outcome.shape.join(', ')}`,
    ]
    for (const { checker, message, details } of outcome.violations) {
      lines.push(`  ${checker}: ${message}`, ...details.map((detail) => `    ${detail}`))
    }
    if (outcome.violations.length > 0) {
      lines.push(`  repeat it: npm run simulate -- ${which}`)
      if (which.startsWith('--seed')) {
        lines.push(`  make it smaller: npm run simulate -- ${which} --shrink --quiet`)
      }
    }
    return lines.join('\n')
  }

  progress(seconds: number, count: number): string {
    const of = Number.isFinite(count) ? ` of ${count}` : ''
    const faults = [...this.hits.values()].reduce((sum, hits) => sum + hits, 0)
    return (
      `${this.seeds}${of} seeds, ${(this.seeds / seconds).toFixed(1)} a second, ${faults} faults, ` +
      `${this.simulatedHours.toFixed(1)} simulated hours, ${this.failed.length} wrong`
    )
  }

  summary(seconds: number): string {
    const lines = [
      this.progress(seconds, Infinity),
      '',
      'faults hit, by class:',
      ...FAULT_CLASSES.map((name) => `  ${name.padEnd(24)} ${this.hits.get(name) ?? 0}`),
      '',
      'compared, by checker:',
      ...[...this.checks].sort().map(([name, count]) => `  ${name.padEnd(24)} ${count}`),
    ]
    if (this.failed.length > 0) {
      lines.push('', `wrong: ${this.failed.map(({ seed }) => seed).join(', ')}`)
    }
    return lines.join('\n')
  }
}
