/**
 * What README and docs tell a reader to type: commands, SQL and TypeScript in fenced blocks, and
 * commands in running text.
 *
 * Nothing is passed over: a block that is none of them makes extraction fail.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

export interface Documented {
  /** From the root. */
  readonly file: string
  /** Of its first line. */
  readonly line: number
  readonly kind: 'command' | 'sql' | 'ts'
  /** A command without its comment; of the other kinds the whole block. */
  readonly text: string
}

/** README.md and docs/*.md. */
export function documentedPages(): string[] {
  return ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)]
}

export function documented(): Documented[] {
  return documentedPages().flatMap((file) => extract(file, readFileSync(join(ROOT, file), 'utf8')))
}

const COMMAND = /^(npm|npx|node|millrace) /
const ASSIGNMENT = /^[A-Z]+=/
/** What pictures are drawn with. */
const DRAWN = /[─│┌└►]/

export function extract(file: string, page: string): Documented[] {
  const found: Documented[] = []
  const lines = page.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const fence = /^```(\w*)/.exec(lines[i] as string)
    if (fence === null) {
      for (const [, span] of (lines[i] as string).matchAll(/`([^`]+)`/g)) {
        if (COMMAND.test(span as string)) {
          found.push({ file, line: i + 1, kind: 'command', text: span as string })
        }
      }
      continue
    }
    const first = i + 1
    const end = lines.indexOf('```', first)
    if (end < 0) throw new Error(`${file}:${first} begins a block that does not end.`)
    const block = lines.slice(first, end)
    i = end
    found.push(...ofBlock(file, first + 1, fence[1] as string, block))
  }
  return found
}

function ofBlock(
  file: string,
  line: number,
  language: string,
  block: readonly string[],
): Documented[] {
  if (language === 'sql' || language === 'ts') {
    return [{ file, line, kind: language, text: `${block.join('\n')}\n` }]
  }
  if (language === '' && DRAWN.test(block.join('\n'))) return []
  return block.flatMap((text, index): Documented[] => {
    const command = text.replace(/\s+#.*$/, '').trim()
    if (command === '') return []
    if (language !== '' || !(COMMAND.test(command) || ASSIGNMENT.test(command))) {
      throw new Error(`${file}:${line + index} is neither command, SQL nor TypeScript: ${text}`)
    }
    return [{ file, line: line + index, kind: 'command', text: command }]
  })
}
