/**
 * Command-line arguments: `-D key=value`, `-f FILE`, `--name value`, `--flag`, and what is left as positionals.
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
        throw cliError('ARGUMENT_INVALID', `Write -D key=value; found '-D ${pair}'.`)
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
  const names = declared.map((o) => `--${o.name}`)
  const nearest = nearestName(text, names) ?? names.find((name) => name.startsWith(text))
  return cliError(
    'ARGUMENT_UNKNOWN',
    `Unknown option ${text}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    {
      hint:
        names.length === 0
          ? 'This command takes no options.'
          : `Known: ${names.join(', ')}, -D key=value`,
    },
  )
}
