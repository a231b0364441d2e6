/**
 * Options of the development commands (bench, simulate, chaos, kafka, s3, test): read as the
 * product's are, with help and the nearest name for a mistyped one.
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { cliError, type OptionDeclaration, renderError, renderHelp } from '@millrace/cli'
import { nearestName, toErrorData } from '@millrace/core'

/** As `parseArgs` has them, with what help says. */
type DevelopmentOption = ParseArgsOptionsConfig[string] & {
  /** How help names the value. */
  readonly value?: string
  readonly help: string
}

export interface DevelopmentCommand<O extends Record<string, DevelopmentOption>> {
  /** As it is typed, e.g. `npm run kafka --`. */
  readonly name: string
  readonly operands?: string
  readonly summary: string
  readonly options: O
  readonly examples?: readonly string[]
  /** Whether arguments without dashes are taken; false by default. */
  readonly allowPositionals?: boolean
}

/** The arguments of this process; prints help, or what is wrong with them, and ends it. */
export function readOptions<const O extends Record<string, DevelopmentOption>>(
  command: DevelopmentCommand<O>,
) {
  const args = process.argv.slice(2)
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(helpOf(command))
    process.exit(0)
  }
  try {
    return parseArgs({
      args,
      options: command.options,
      allowPositionals: command.allowPositionals ?? false,
    })
  } catch (error) {
    const shown = asArgumentError(error as Error & { code?: string }, command.options)
    process.stderr.write(`${renderError(toErrorData(shown))}\n`)
    process.exit(1)
  }
}

function helpOf(command: DevelopmentCommand<Record<string, DevelopmentOption>>): string {
  const options = Object.entries(command.options).map(([name, option]): OptionDeclaration => {
    const shown = option.default === undefined ? '' : `; ${option.default} by default`
    return {
      name,
      takesValue: option.type === 'string',
      ...(option.value === undefined ? {} : { value: option.value }),
      description: `${option.help}${option.type === 'string' ? shown : ''}`,
    }
  })
  return renderHelp({ ...command, options, properties: false })
}

/** Node's words for a wrong argument, as the product's own errors. */
function asArgumentError(
  error: Error & { code?: string },
  options: Readonly<Record<string, DevelopmentOption>>,
): Error {
  const names = Object.keys(options).map((name) => `--${name}`)
  const hint = `Known: --help, ${names.join(', ')}`
  if (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const text = /'(-[^']*)'/.exec(error.message)?.[1] ?? ''
    const nearest = nearestName(text, names)
    const meant = nearest === undefined ? '' : `; did you mean ${nearest}?`
    return cliError('ARGUMENT_UNKNOWN', `Unknown option ${text}${meant}`, { hint })
  }
  if (error.code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') {
    const text = /'([^']*)'/.exec(error.message)?.[1] ?? ''
    return cliError('ARGUMENT_UNKNOWN', `Unknown argument '${text}'.`, { hint })
  }
  if (error.code?.startsWith('ERR_PARSE_ARGS')) {
    return cliError('ARGUMENT_INVALID', error.message.split('\n')[0] as string, { hint })
  }
  return error
}
