/**
 * The terminal, as a port: commands write text and learn about its size through it; a composition
 * root gives the real one.
 */
export interface Terminal {
  /** Standard output. */
  write(text: string): void
  /** Standard error: progress, warnings, errors. */
  writeError(text: string): void
  /**
   * Whether standard output is a person's terminal (colour, cursor movement) or a pipe
   * (plain lines).
   */
  readonly interactive: boolean
  readonly columns: number
  readonly rows: number
}

/** Reads lines with history; ends with null at end of input, 'interrupt' on Ctrl-C. */
export interface LineReader {
  readLine(prompt: string): Promise<string | null | 'interrupt'>
  /** What Tab offers: words that could stand instead of the last one of `line`. */
  completeWith(complete: (line: string) => Promise<readonly string[]>): void
  /** Adds a statement, with its line breaks, to what the arrow keys give back. */
  remember(statement: string): void
  close(): void
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

/** Text in a colour when the terminal shows it. */
export function styled(terminal: Terminal, style: keyof typeof codes, text: string): string {
  return terminal.interactive ? `\u001b[${codes[style]}m${text}\u001b[0m` : text
}
