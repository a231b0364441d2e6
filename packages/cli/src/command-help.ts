/**
 * What a command says of itself: `millrace COMMAND --help`, and the options that the
 * parser accepts.
 *
 * Both come from one declaration, so that the help can name no option that is not taken and
 * hide none that is.
 */
import type { OptionDeclaration } from './arguments.ts'

export interface CommandDeclaration {
  /** With what stands before it: `millrace cluster start`. */
  readonly name: string
  /** Arguments without dashes, e.g. `JOB_ID`. */
  readonly operands?: string
  /** One or two sentences. */
  readonly summary: string
  readonly options: readonly OptionDeclaration[]
  /** Whether it takes `-D key=value`; true by default. */
  readonly properties?: boolean
  /** Lines that can be typed. */
  readonly examples?: readonly string[]
}

const HELP_COLUMNS = 100

/** Several lines, each ended. */
export function renderHelp(command: CommandDeclaration): string {
  const usage = [command.name, command.operands, '[options]'].filter(Boolean).join(' ')
  const rows = command.options.map((option) => [optionTitle(option), option.description] as const)
  const all = [
    ...rows,
    ...(command.properties === false
      ? []
      : [['-D key=value', 'configuration: docs/configuration.md lists the keys'] as const]),
    ['-h, --help', 'this text'] as const,
  ]
  const width = Math.max(...all.map(([title]) => title.length)) + 2
  const options = all.flatMap(([title, description]) => {
    const [first = '', ...more] = wrap(description, HELP_COLUMNS - width - 2)
    return [`  ${title.padEnd(width)}${first}`, ...more.map((line) => ' '.repeat(width + 2) + line)]
  })
  const examples = command.examples ?? []
  return [
    `Usage: ${usage}`,
    '',
    ...wrap(command.summary, HELP_COLUMNS),
    '',
    'Options:',
    ...options,
    ...(examples.length === 0 ? [] : ['', 'Examples:', ...examples.map((line) => `  ${line}`)]),
    '',
  ].join('\n')
}

function optionTitle({ short, name, takesValue, value }: OptionDeclaration): string {
  const names = [...(short === undefined ? [] : [`-${short}`]), `--${name}`].join(', ')
  return takesValue ? `${names} ${value ?? 'VALUE'}` : names
}

/** Lines of at most `columns`, cut between words. */
function wrap(text: string, columns: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) as string
    if (last !== '' && last.length + 1 + word.length > columns) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines
}
