/**
 * Command-line arguments: `-D key=value`, `-f FILE`, `--name value`, `--flag`, and what is left
 * as positionals.
 *
 * An unknown option is refused with the nearest known one; nothing is guessed.
 */
import { defineErrors, nearestName } from '@millrace/core'

export const { error: cliError, declarations: CLI_ERRORS } = defineErrors({
  ARGUMENT_UNKNOWN: {
    domain: 'user',
    retry: 'never',
    description: 'The command line has a command or an option that Millrace does not know.',
  },
  JOB_ENDED_MEANWHILE: {
    domain: 'user',
    retry: 'never',
    description: 'A command waited for something of a job, which ended before.',
  },
  ARGUMENT_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'An option of the command line lacks its value or has one of the wrong form.',
  },
})

export interface OptionDeclaration {
  /** Long name without dashes. */
  readonly name: string
  /** One letter without dash. */
  readonly short?: string
  readonly takesValue: boolean
  /** How help names the value, e.g. `FILE`. */
  readonly value?: string
  /** For help: what it does. */
  readonly description: string
}

export interface ParsedArguments {
  readonly positionals: readonly string[]
  readonly options: ReadonlyMap<string, string>
  /** From `-D key=value`, in order. */
  readonly properties: Readonly<Record<string, string>>
}

/** Parses `args`; throws ARGUMENT_UNKNOWN or ARGUMENT_INVALID. */
export function parseArguments(
  args: readonly string[],
  declared: readonly OptionDeclaration[],
): ParsedArguments {
  const positionals: string[] = []
  const options = new Map<string, string>()
  const properties: Record<string, string> = {}
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    if (!arg.startsWith('-') || arg === '-') {
      positionals.push(arg)
    } else if (arg.startsWith('-D')) {
      const pair = arg.length > 2 ? arg.slice(2) : (args[++i] ?? '')
      const equals = pair.indexOf('=')
      if (equals <= 0) {
        const found = pair === '' ? 'nothing follows -D' : `found '-D ${pair}'`
        throw cliError('ARGUMENT_INVALID', `Write -D key=value; ${found}.`)
      }
      properties[pair.slice(0, equals)] = pair.slice(equals + 1)
    } else {
      const [text, inline] = splitAtEquals(arg)
      const declaration = declared.find((o) => text === `--${o.name}` || text === `-${o.short}`)
      if (declaration === undefined) throw unknownOption(text, declared)
      if (!declaration.takesValue) {
        options.set(declaration.name, 'true')
        continue
      }
      const value = inline ?? args[++i]
      if (value === undefined) throw cliError('ARGUMENT_INVALID', `Give a value after ${text}.`)
      options.set(declaration.name, value)
    }
  }
  return { positionals, options, properties }
}

function splitAtEquals(arg: string): [string, string | undefined] {
  const equals = arg.startsWith('--') ? arg.indexOf('=') : -1
  return equals < 0 ? [arg, undefined] : [arg.slice(0, equals), arg.slice(equals + 1)]
}

function unknownOption(text: string, declared: readonly OptionDeclaration[]) {
  const names = ['--help', ...declared.map((o) => `--${o.name}`)]
  const nearest = nearestName(text, names) ?? names.find((name) => name.startsWith(text))
  return cliError(
    'ARGUMENT_UNKNOWN',
    `Unknown option ${text}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    { hint: `Known: ${names.join(', ')}, -D key=value` },
  )
}

/** A name among `known`, else ARGUMENT_UNKNOWN: `Unknown WHAT 'x'; did you mean 'y'?` */
export function requireKnown(
  what: string,
  name: string,
  known: readonly string[],
  hint: string,
): void {
  if (known.includes(name)) return
  const nearest = nearestName(name, known) ?? known.find((candidate) => candidate.startsWith(name))
  const meant = nearest === undefined ? '' : `; did you mean '${nearest}'?`
  throw cliError('ARGUMENT_UNKNOWN', `Unknown ${what} '${name}'${meant}`, { hint })
}

/** Refuses what stands after the first `max` arguments without dashes. */
export function requireOperands(positionals: readonly string[], max: number, hint: string): void {
  const surplus = positionals[max]
  if (surplus !== undefined) {
    throw cliError('ARGUMENT_UNKNOWN', `Unknown argument '${surplus}'.`, { hint })
  }
}
