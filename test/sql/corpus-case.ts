/**
 * A case of the SQL corpus as it stands on disk: statements with header comments, the
 * recorded answer beside them, and the answer of our own where a numbered decision departs
 * from the recorded one.
 *
 * What the files say is written in corpus/README.md.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const CORPUS_DIRECTORY = fileURLToPath(new URL('./corpus', import.meta.url))

/**
 * Folders whose cases are run; `formats` is data alone until its connectors and formats are there.
 */
export const RUN_FOLDERS = ['scalar', 'relational', 'time'] as const
export type RunFolder = (typeof RUN_FOLDERS)[number]

/** Rows with their kind first, or the error that must come. */
export interface Answer {
  readonly columns?: readonly (readonly [name: string, type: string])[]
  readonly changelog?: readonly (readonly unknown[])[]
  readonly error?: string
}

/** An answer that is ours, by the decision of that number in corpus/DECISIONS.md. */
export interface Departure extends Answer {
  readonly decision: number
}

export interface CorpusCase {
  /** `scalar/008-int-overflow`. */
  readonly name: string
  readonly folder: RunFolder
  readonly statements: readonly string[]
  readonly mode: 'streaming' | 'batch'
  readonly timeZone: string
  readonly parallelism: number
  /** Whether the order of the rows counts. */
  readonly ordered: boolean
  readonly compares: 'rows' | 'columns'
  /** The reference refuses it for want of a feature: an engine that answers is not wrong. */
  readonly limit: boolean
  readonly recorded: Answer
  readonly departure: Departure | null
}

export function readCases(folder: RunFolder): CorpusCase[] {
  const directory = `${CORPUS_DIRECTORY}/${folder}`
  return readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => readCase(folder, file.slice(0, -'.sql'.length)))
}

function readCase(folder: RunFolder, name: string): CorpusCase {
  const base = `${CORPUS_DIRECTORY}/${folder}/${name}`
  const text = readFileSync(`${base}.sql`, 'utf8')
  const header = (key: string) => new RegExp(`^-- ${key}: *(.*)$`, 'm').exec(text)?.[1]?.trim()
  const departs = `${base}.departs.json`
  return {
    name: `${folder}/${name}`,
    folder,
    statements: splitStatements(text),
    mode: header('mode') === 'batch' ? 'batch' : 'streaming',
    timeZone: header('time-zone') ?? 'UTC',
    parallelism: Number(header('parallelism') ?? 1),
    ordered: header('ordered') !== undefined,
    compares: header('compare') === 'columns' ? 'columns' : 'rows',
    limit: header('limit') !== undefined,
    recorded: readAnswer(`${base}.expected.json`),
    departure: existsSync(departs) ? (readAnswer(departs) as Departure) : null,
  }
}

/** JSON whose integers keep their digits: one that a double cannot hold is given as its text. */
function readAnswer(path: string): Answer {
  const exact = (_key: string, value: unknown, context: { source?: string }) =>
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    /^-?\d+$/.test(context.source ?? '')
      ? context.source
      : value
  const parse = JSON.parse as (text: string, reviver: typeof exact) => unknown
  return parse(readFileSync(path, 'utf8'), exact) as Answer
}

/** Statements end with `;`; a statement set is one, up to its END. */
export function splitStatements(text: string): string[] {
  const statements: string[] = []
  let current = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string
    if (char === "'" || char === '`' || char === '"') {
      const end = text.indexOf(char, i + 1)
      const quoted = text.slice(i, end < 0 ? text.length : end + 1)
      current += quoted
      i += quoted.length - 1
    } else if (text.startsWith('--', i)) {
      const end = text.indexOf('\n', i)
      i = (end < 0 ? text.length : end) - 1
    } else if (char === ';') {
      statements.push(current.trim())
      current = ''
    } else current += char
  }
  statements.push(current.trim())
  return joinStatementSets(statements.filter((statement) => statement !== ''))
}

function joinStatementSets(statements: readonly string[]): string[] {
  const joined: string[] = []
  let open: string[] | null = null
  for (const statement of statements) {
    if (/^EXECUTE\s+STATEMENT\s+SET\b/i.test(statement)) open = [statement]
    else if (open === null) joined.push(statement)
    else {
      open.push(statement)
      if (!/^END$/i.test(statement)) continue
      joined.push(open.join(';\n'))
      open = null
    }
  }
  return joined
}

/** Numbers of the decisions in corpus/DECISIONS.md. */
export function readDecisions(): ReadonlySet<number> {
  const text = readFileSync(`${CORPUS_DIRECTORY}/DECISIONS.md`, 'utf8')
  return new Set([...text.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number)))
}
