/**
 * The parser's view of the tokens: look, accept, expect; and the one place where syntax
 * errors are worded.
 *
 * `accept` remembers what was tried at the current token, so an error lists everything that could
 * have stood there. Recursion is bounded by NESTING_MAX: a hostile statement gives an error, never
 * a stack overflow.
 */
import type { MillraceError } from '@millrace/core'
import { nearName, raise } from '../error-codes.ts'
import { KEYWORDS, RESERVED } from './keywords.ts'
import { tokenize } from './lexer.ts'
import type { Identifier, ObjectName } from './syntax-tree.ts'
import { type Span, spanning, type Token } from './token.ts'

/** How deep expressions and queries may nest, and how many operators one chain may have. */
export const NESTING_MAX = 400
const EXPECTED_SHOWN_MAX = 6

export class TokenStream {
  readonly text: string
  readonly #tokens: readonly Token[]
  #index = 0
  #tried: string[] = []
  #depth = 0
  /** Token index of the last alias taken without AS: a mistyped keyword often hides there. */
  #bareAlias = -1

  constructor(text: string) {
    this.text = text
    this.#tokens = tokenize(text)
  }

  get current(): Token {
    return this.#tokens[this.#index] as Token
  }
  get previous(): Token {
    return this.#tokens[Math.max(this.#index - 1, 0)] as Token
  }
  peek(distance: number): Token {
    return this.#tokens[Math.min(this.#index + distance, this.#tokens.length - 1)] as Token
  }

  advance(): Token {
    const token = this.current
    if (token.kind !== 'end') this.#index++
    this.#tried = []
    return token
  }

  /** Runs `parse` one level deeper. */
  nested<T>(parse: () => T): T {
    if (++this.#depth > NESTING_MAX) throw this.tooDeep()
    const result = parse()
    this.#depth--
    return result
  }

  tooDeep(): MillraceError {
    return raise(
      'SQL_SYNTAX',
      this.current.span,
      `The statement nests more than ${NESTING_MAX} levels deep.`,
      'Split it with views, or use IN for long lists of values.',
    )
  }

  /** Whether the words from here on are these (no trace in errors). */
  at(...words: string[]): boolean {
    return words.every((word, i) => {
      const token = this.peek(i)
      return token.kind === 'word'
        ? token.upper === word
        : (token.kind === 'symbol' || token.kind === 'hint') && token.text === word
    })
  }

  atAny(words: readonly string[]): boolean {
    return words.some((word) => this.at(word))
  }

  /** Takes the word or symbol if it stands here. */
  accept(word: string): boolean {
    if (this.at(word)) {
      this.advance()
      return true
    }
    this.#tried.push(word)
    return false
  }

  /** Takes all of the words, or none. */
  acceptAll(...words: string[]): boolean {
    if (!this.at(...words)) {
      this.#tried.push(words.join(' '))
      return false
    }
    for (const _ of words) this.advance()
    return true
  }

  expect(...words: string[]): Token {
    let token = this.current
    for (const word of words) {
      if (!this.at(word)) throw this.expected(word)
      token = this.advance()
    }
    return token
  }

  expectString(what: string): Token {
    if (this.current.kind !== 'string') throw this.expected(what)
    return this.advance()
  }

  /** A number without sign or fraction. */
  expectInteger(what: string): number {
    const token = this.current
    if (token.kind !== 'number' || !/^\d{1,10}$/.test(token.text)) throw this.expected(what)
    this.advance()
    return Number(token.text)
  }

  atIdentifier(): boolean {
    const token = this.current
    return token.kind === 'quoted' || (token.kind === 'word' && !RESERVED.has(token.upper))
  }

  identifier(what: string): Identifier {
    const token = this.current
    if (token.kind === 'word' && RESERVED.has(token.upper)) {
      throw raise(
        'SQL_SYNTAX',
        token.span,
        `Expected ${what}, found the keyword ${token.upper}.`,
        `A name that is a keyword is written in backticks: \`${token.text}\`.`,
      )
    }
    if (!this.atIdentifier()) throw this.expected(what)
    this.advance()
    return { name: token.text, span: token.span }
  }

  /** An alias without AS, if a name stands here. */
  bareAlias(): Identifier | null {
    if (!this.atIdentifier()) return null
    if (this.current.kind === 'word') this.#bareAlias = this.#index
    return this.identifier('an alias')
  }

  objectName(what: string): ObjectName {
    const parts = [this.identifier(what)]
    while (this.accept('.')) parts.push(this.identifier('a name'))
    const first = parts[0] as Identifier
    const span = spanning(first.span, this.previous.span)
    if (parts.length > 3) {
      throw raise(
        'SQL_SYNTAX',
        span,
        'A name has at most three parts: catalog, database and table.',
      )
    }
    return { parts, span }
  }

  from(start: Span): Span {
    return spanning(start, this.previous.span)
  }

  /** The error for "something else should stand here". */
  expected(what: string): MillraceError {
    const choices = [...new Set([what, ...this.#tried])].slice(0, EXPECTED_SHOWN_MAX)
    const token = this.#suspect(choices)
    const near = token.kind === 'word' ? nearName(token.upper, this.#known(choices)) : undefined
    if (near !== undefined && near !== token.upper) {
      const message = `Unexpected '${token.text}'; did you mean '${near}'?`
      return raise('SQL_SYNTAX', token.span, message)
    }
    const shown = choices.map((choice) => (/^\W+$/.test(choice) ? `'${choice}'` : choice))
    const last = shown[shown.length - 1]
    const list = shown.length === 1 ? last : `${shown.slice(0, -1).join(', ')} or ${last}`
    return raise('SQL_SYNTAX', token.span, `Expected ${list}, found ${describe(token)}.`)
  }

  /**
   * A keyword mistyped just before (`SELECT a FORM t`) was taken for an alias: then that is
   * where the fault is.
   */
  #suspect(choices: readonly string[]): Token {
    if (this.#bareAlias >= 0 && this.#bareAlias === this.#index - 1) {
      const alias = this.previous
      if (nearName(alias.upper, this.#known(choices)) !== undefined) return alias
    }
    return this.current
  }

  #known(choices: readonly string[]): string[] {
    const words = choices.flatMap((choice) => choice.split(' '))
    return words.filter((word) => KEYWORDS.includes(word))
  }
}

function describe(token: Token): string {
  if (token.kind === 'end') return 'the end of the statement'
  if (token.kind === 'string') return `the text '${token.text}'`
  if (token.kind === 'quoted') return `\`${token.text}\``
  return `'${token.text}'`
}
