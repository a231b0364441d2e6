/**
 * Completion for the prompt: keywords, tables, columns, functions and option keys that begin with
 * what stands before the cursor.
 */
const COMPLETIONS_MAX = 100

/** What each kind of name is taken from; in the order in which they are offered. */
export interface CompletionSources {
  readonly columns: readonly string[]
  readonly tables: readonly string[]
  readonly functions: readonly string[]
  readonly keywords: readonly string[]
  readonly optionKeys: readonly string[]
}

/** Whole words (or option keys) that could stand instead of the one that ends at `position`. */
export function completeText(text: string, position: number, sources: CompletionSources): string[] {
  const before = text.slice(0, Math.max(0, Math.min(position, text.length)))
  const openQuote = /'([^']*)$/.exec(before.replace(/'[^']*'/g, (m) => ' '.repeat(m.length)))
  if (openQuote !== null) return matching(openQuote[1] as string, sources.optionKeys)
  const word = (/[\p{L}\p{N}_$]*$/u.exec(before) as RegExpExecArray)[0]
  const afterTable = /\b(FROM|JOIN|INTO|TABLE|DESCRIBE|DESC|VIEW)\s+[\p{L}\p{N}_$]*$/iu.test(before)
  if (afterTable) return matching(word, [...sources.tables, ...sources.keywords])
  if (word === '') return []
  const { columns, tables, functions, keywords } = sources
  return matching(word, [...columns, ...tables, ...keywords, ...functions])
}

function matching(prefix: string, candidates: readonly string[]): string[] {
  const lower = prefix.toLowerCase()
  const found = candidates.filter((candidate) => candidate.toLowerCase().startsWith(lower))
  return [...new Set(found)].slice(0, COMPLETIONS_MAX)
}
