/**
 * Text → tokens: the first step of every statement.
 *
 * Comments and white space vanish; everything else becomes a token with its place. An unterminated
 * text, name or comment is an error that points at where it began.
 */
import { notSupported, raise } from '../error-codes.ts'
import type { Span, Token, TokenKind } from './token.ts'

const SYMBOLS = ['<=', '>=', '<>', '!=', '||', '=>', '*/']
const SINGLE = new Set('(),.;=<>+-*/%[]{}:?|'.split(''))
const WORD_START = /[\p{L}_]/u
const WORD_PART = /[\p{L}\p{N}_$]/u

/** All tokens of `text`, the last one of kind `end`. Throws SQL_SYNTAX. */
export function tokenize(text: string): Token[] {
  return new Lexer(text).all()
}

class Lexer {
  readonly #text: string
  readonly #tokens: Token[] = []
  #offset = 0
  #line = 1
  #lineStart = 0
  #inHint = false

  constructor(text: string) {
    this.#text = text
  }

  all(): Token[] {
    for (;;) {
      this.#skipBlank()
      if (this.#offset >= this.#text.length) break
      this.#next()
    }
    const here = this.#mark()
    this.#push('end', '', here)
    return this.#tokens
  }

  #mark(): { offset: number; line: number; column: number } {
    return {
      offset: this.#offset,
      line: this.#line,
      column: this.#offset - this.#lineStart + 1,
    }
  }

  #advance(): void {
    if (this.#text[this.#offset] === '\n') {
      this.#line++
      this.#lineStart = this.#offset + 1
    }
    this.#offset++
  }

  #spanFrom(from: { offset: number; line: number; column: number }): Span {
    return {
      start: from.offset,
      end: this.#offset,
      line: from.line,
      column: from.column,
      endLine: this.#line,
      endColumn: Math.max(this.#offset - this.#lineStart, 1),
    }
  }

  #push(kind: TokenKind, text: string, from: { offset: number; line: number; column: number }) {
    const span = this.#spanFrom(from)
    const end = kind === 'end' ? { ...span, endLine: span.line, endColumn: span.column } : span
    const upper = kind === 'word' ? text.toUpperCase() : ''
    this.#tokens.push({ kind, text, upper, span: end })
  }

  #skipBlank(): void {
    for (;;) {
      const c = this.#text[this.#offset]
      const two = this.#text.slice(this.#offset, this.#offset + 2)
      if (c !== undefined && /\s/.test(c)) this.#advance()
      else if (two === '--') {
        while (this.#offset < this.#text.length && this.#text[this.#offset] !== '\n')
          this.#advance()
      } else if (two === '/*' && this.#text[this.#offset + 2] !== '+') this.#comment()
      else return
    }
  }

  #comment(): void {
    const from = this.#mark()
    while (this.#offset < this.#text.length) {
      if (this.#text.startsWith('*/', this.#offset)) {
        this.#advance()
        this.#advance()
        return
      }
      this.#advance()
    }
    const span = { ...this.#spanFrom(from), endLine: from.line, endColumn: from.column + 1 }
    throw raise(
      'SQL_SYNTAX',
      span,
      'The comment that begins here is not ended.',
      "End it with '*/'.",
    )
  }

  #next() {
    const from = this.#mark()
    const c = this.#text[this.#offset] as string
    if (c === "'") return this.#quoted("'", 'string', from)
    if (c === '`') return this.#quoted('`', 'quoted', from)
    if (c === '"') {
      this.#advance()
      throw raise(
        'SQL_SYNTAX',
        this.#spanFrom(from),
        "Double quotes are no part of SQL here; found '\"'.",
        "Write text in 'single quotes' and names in `backticks`.",
      )
    }
    if (this.#text.startsWith('/*+', this.#offset)) {
      for (let i = 0; i < 3; i++) this.#advance()
      this.#inHint = true
      return this.#push('hint', '/*+', from)
    }
    if (/[0-9]/.test(c) || (c === '.' && /[0-9]/.test(this.#text[this.#offset + 1] ?? ''))) {
      return this.#number(from)
    }
    if (/^U&['`]/i.test(this.#text.slice(from.offset, from.offset + 3))) {
      for (let i = 0; i < 3; i++) this.#advance()
      throw notSupported('A text or name with Unicode escapes (U&)', this.#spanFrom(from))
    }
    if (WORD_START.test(this.#character())) {
      while (this.#offset < this.#text.length && WORD_PART.test(this.#character())) {
        for (let i = this.#character().length; i > 0; i--) this.#advance()
      }
      return this.#push('word', this.#text.slice(from.offset, this.#offset), from)
    }
    this.#symbol(from)
  }

  /** The character at the offset, both halves of a surrogate pair. */
  #character(): string {
    return String.fromCodePoint(this.#text.codePointAt(this.#offset) as number)
  }

  #symbol(from: { offset: number; line: number; column: number }) {
    const two = this.#text.slice(this.#offset, this.#offset + 2)
    if (SYMBOLS.includes(two) && (two !== '*/' || this.#inHint)) {
      this.#advance()
      this.#advance()
      if (two === '*/') this.#inHint = false
      return this.#push('symbol', two, from)
    }
    const c = this.#character()
    for (let i = c.length; i > 0; i--) this.#advance()
    if (SINGLE.has(c)) return this.#push('symbol', c, from)
    throw raise('SQL_SYNTAX', this.#spanFrom(from), `Unexpected character '${c}'.`)
  }

  #quoted(
    quote: string,
    kind: 'string' | 'quoted',
    from: { offset: number; line: number; column: number },
  ) {
    this.#advance()
    let value = ''
    while (this.#offset < this.#text.length) {
      const c = this.#text[this.#offset] as string
      this.#advance()
      if (c !== quote) value += c
      else if (this.#text[this.#offset] === quote) {
        value += quote
        this.#advance()
      } else return this.#push(kind, value, from)
    }
    const span = { ...this.#spanFrom(from), endLine: from.line, endColumn: from.column }
    const what = kind === 'string' ? 'text' : 'name'
    throw raise(
      'SQL_SYNTAX',
      span,
      `The ${what} that begins here is not ended.`,
      `End it with ${quote}; a ${quote} inside is written twice.`,
    )
  }

  #number(from: { offset: number; line: number; column: number }): void {
    const match = /^(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?/.exec(
      this.#text.slice(this.#offset),
    ) as RegExpExecArray
    for (let i = match[0].length; i > 0; i--) this.#advance()
    const after = this.#text[this.#offset] ?? ''
    if (WORD_START.test(after)) {
      this.#advance()
      throw raise(
        'SQL_SYNTAX',
        this.#spanFrom(from),
        `A number cannot be followed by '${after}'.`,
        'A name that begins with a digit is written in `backticks`.',
      )
    }
    this.#push('number', match[0], from)
  }
}
